"""`/v1/vouchers`: signed vouchers, kept for the consumer and the payees that this node hosts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api.context import NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.schemas.base import Hash
from node.api.schemas.usages import SignedVoucher, StoredVoucher, VoucherShape
from node.commands.check_voucher import check_voucher
from node.commands.store_voucher import store_voucher
from node.db import act_as
from node.permissions import Area
from protocol.commission import total_commission, total_gross
from protocol.periods import period_label
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


@router.get("", response_model=list[SignedVoucher])
async def list_all(context: NodeContext, caller: Reader, agreement: Hash) -> list[SignedVoucher]:
    """Vouchers of one agreement that the caller's organisation holds, the newest first."""
    vouchers = tables.vouchers
    statement = (
        select(vouchers)
        .where(vouchers.c.agreement_id == agreement)
        .order_by(vouchers.c.period.desc(), vouchers.c.units.desc())
        .limit(VOUCHERS_MAX)
    )
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = (await connection.execute(statement)).all()
    return [
        SignedVoucher(
            voucher=VoucherShape(
                agreement_id=row.agreement_id,
                consumer=row.consumer,
                period=period_label(row.period),
                units=int(row.units),
                usage_root=row.usage_root,
            ),
            signer=row.signer,
            signature=row.signature,
        )
        for row in rows
    ]
