"""`/v1/usages`: a consumer records its uses of data, each behind an active consent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.schemas.usages import RecordedUses, RecordUses, VoucherShape
from node.commands.record_uses import record_uses
from node.permissions import Area
from protocol.signing import typed_data_voucher
from protocol.types import AgreementId, OrganisationId

router = APIRouter(prefix="/v1/usages", tags=["usages"])
Writer = Annotated[Principal, may(Area.USAGE, write=True)]


@router.post("", status_code=201, response_model=RecordedUses)
async def record(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: RecordUses,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Records uses, one a consent, and answers the voucher over the period so far. If one consent
    is not active, none is recorded."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        voucher = await record_uses(
            connection,
            OrganisationId(caller.organisation_id),
            AgreementId(body.agreement_id),
            body.consents,
            context.gate,
            freshness,
        )
        deployment = context.deployment
        answer = RecordedUses(
            recorded=len(body.consents),
            voucher=VoucherShape.of(voucher),
            typed_data=typed_data_voucher(
                voucher, deployment.chain_id, deployment.address_bytes("UsageSettlement")
            ),
        )
        return 201, answer.to_json()

    return await write_once(context, caller, request, key, act)
