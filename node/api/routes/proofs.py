"""`/v1/proofs`: the proof file of a consent, for an auditor who is offline."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from node.api.context import NodeContext, require_fresh
from node.api.principal import Principal, may
from node.api.rule_schemas import ProofObject
from node.api.schemas.base import Hash
from node.commands.gate import find_consent
from node.commands.make_proof import make_proof
from node.db import act_as
from node.permissions import Area
from node.problems import not_found
from protocol.types import Leaf, to_hex

router = APIRouter(prefix="/v1/proofs", tags=["proofs"])
Reader = Annotated[Principal, may(Area.CONSENTS)]


@router.get("/{leaf}", response_model=ProofObject)
async def show(context: NodeContext, caller: Reader, leaf: Hash) -> JSONResponse:
    """A proof bundle of a consent that the caller's organisation holds; check it with
    `ptx-ledger proof verify FILE`."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        known = await find_consent(connection, leaf)
        if known is None:
            remedy = "Ask as an organisation that holds the record."
            raise not_found("consent", to_hex(leaf), remedy)
        bundle = await make_proof(
            connection, context.deployment, context.master_key, known, Leaf(leaf), freshness
        )
    name = f"consent-{leaf.hex()[:16]}.proof.json"
    return JSONResponse(bundle, headers={"Content-Disposition": f'attachment; filename="{name}"'})
