"""`/v1/ledger`: which chain and which contracts this node serves."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from node.api.context import NodeContext
from protocol.types import to_hex

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])


@router.get("")
async def show(context: NodeContext) -> dict[str, Any]:
    """Chain id, contract addresses, and the operator of this node. Public."""
    deployment = context.deployment
    return {
        "chainId": deployment.chain_id,
        "operatorDid": context.settings.operator_did,
        "operatorId": to_hex(context.operator),
        "consentRegistry": to_hex(context.consent_registry),
        "contracts": deployment.addresses,
    }
