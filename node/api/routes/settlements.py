"""`/v1/settlements`: bring a signed voucher to the chain; see what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.schemas.base import AsOf, Hash
from node.api.schemas.usages import (
    QueuedSettlement,
    Settlement,
    SettlementLineAmount,
    SettleVoucher,
)
from node.commands.check_voucher import SettleableVoucher, check_voucher
from node.commands.settle_usage import find_settlement, settle_usage
from node.db import act_as
from node.permissions import Area
from node.problems import not_found
from protocol.commission import net
from protocol.types import AccountAddress, OrganisationId, Units, to_hex

router = APIRouter(prefix="/v1/settlements", tags=["settlements"])
Reader = Annotated[Principal, may(Area.USAGE)]
Writer = Annotated[Principal, may(Area.USAGE, write=True)]


@router.post("", status_code=202, response_model=QueuedSettlement)
async def settle(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: SettleVoucher,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to settle a voucher; the answer shows how each line will be split. Another holder of
    the same voucher who asks meanwhile joins the promise."""
    voucher, signer = body.voucher.to_voucher(), AccountAddress(body.signer)
    up_to = voucher.units if body.up_to is None else Units(body.up_to)

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        checked = await check_voucher(
            connection,
            context.deployment,
            voucher,
            up_to,
            signer,
            body.signature,
            freshness.now,
        )
        organisation = OrganisationId(caller.organisation_id)
        await settle_usage(connection, organisation, voucher, signer, body.signature, checked)
        return 202, _queued(checked).to_json()

    return await write_once(context, caller, request, key, act)


@router.get("/{settlement_id}", response_model=Settlement)
async def show(context: NodeContext, caller: Reader, settlement_id: Hash) -> Settlement:
    """Where the settlement of a voucher that the caller's organisation holds stands, whoever asked
    for it."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        final_block = freshness.block.block_number - context.settings.finality_blocks
        found = await find_settlement(connection, settlement_id, final_block)
    if found is None:
        raise not_found("settlement", to_hex(settlement_id), "Ask for it: POST /v1/settlements.")
    return Settlement.of(settlement_id, found, AsOf.of(freshness))


def _queued(checked: SettleableVoucher) -> QueuedSettlement:
    lines = zip(checked.agreement.terms.lines, checked.amounts, strict=True)
    return QueuedSettlement(
        settlement_id=checked.digest,
        state="queued",
        from_units=checked.from_units,
        to_units=checked.to_units,
        lines=[
            SettlementLineAmount(
                payee=line.payee,
                category=line.category,
                gross_minor=amount.gross,
                commission_minor=amount.commission_rounded_down,
                net_minor=net(amount),
            )
            for line, amount in lines
        ],
    )
