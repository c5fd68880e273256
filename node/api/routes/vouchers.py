"""`/v1/vouchers`: signed vouchers, kept for the consumer and the payees that this node hosts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.schemas.base import Hash
from node.api.schemas.usages import HeldVoucher, SignedVoucher, StoredVoucher, Vouchers
from node.commands.check_voucher import check_voucher
from node.commands.list_vouchers import list_vouchers
from node.commands.store_voucher import store_voucher
from node.db import act_as
from node.permissions import Area
from protocol.commission import total_commission, total_gross
from protocol.types import AccountAddress, OrganisationId

router = APIRouter(prefix="/v1/vouchers", tags=["vouchers"])
Reader = Annotated[Principal, may(Area.USAGE)]
Writer = Annotated[Principal, may(Area.USAGE, write=True)]

VOUCHERS_MAX = 100


@router.post("", status_code=201, response_model=StoredVoucher)
async def store(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: SignedVoucher,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Checks and keeps a voucher that the consumer's account signed."""
    voucher, signer = body.voucher.to_voucher(), AccountAddress(body.signer)

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        checked = await check_voucher(
            connection,
            context.deployment,
            voucher,
            voucher.units,
            signer,
            body.signature,
            freshness.now,
        )
        organisation = OrganisationId(caller.organisation_id)
        await store_voucher(connection, organisation, voucher, signer, body.signature, checked)
        answer = StoredVoucher(
            voucher=body.voucher,
            signer=body.signer,
            signature=body.signature,
            gross_minor=total_gross(checked.amounts),
            commission_minor=total_commission(checked.amounts),
        )
        return 201, answer.to_json()

    return await write_once(context, caller, request, key, act)


@router.get("", response_model=Vouchers)
async def list_all(
    context: NodeContext,
    caller: Reader,
    agreement: Hash,
    after: Annotated[Hash | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=VOUCHERS_MAX)] = VOUCHERS_MAX,
) -> Vouchers:
    """Vouchers of one agreement that the caller's organisation holds, the one that this node has
    kept last first, whatever month it is of. They are the node's own records and rest on no block;
    GET /v1/settlements/{settlementId} says what the chain has settled of one."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_vouchers(connection, agreement, after, limit + 1)
    return Vouchers(
        items=[HeldVoucher.of(row) for row in rows[:limit]],
        next=rows[limit - 1].digest if len(rows) > limit else None,
    )
