"""`/v1/usages`: a consumer records its uses of data, each behind an active consent, and sees what
they cost."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.schemas.base import AsOf, Hash, PeriodLabel
from node.api.schemas.usages import (
    MonthToSign,
    RecordedUses,
    RecordUses,
    UsesByMonth,
    UsesOfMonth,
    VoucherShape,
)
from node.commands.record_uses import record_uses, usage_root
from node.commands.show_uses import find_month_of_use, month_used_before, uses_by_month
from node.db import act_as, snapshots
from node.permissions import Area
from protocol.periods import parse_period, period_label, period_of
from protocol.signing import Voucher, typed_data_voucher
from protocol.types import AgreementId, OrganisationId, Period, UnixSeconds

router = APIRouter(prefix="/v1/usages", tags=["usages"])
Reader = Annotated[Principal, may(Area.USAGE)]
Writer = Annotated[Principal, may(Area.USAGE, write=True)]

MONTHS_AT_ONCE = 12


@router.get("", response_model=UsesByMonth)
async def list_own(
    context: NodeContext, caller: Reader, until: PeriodLabel | None = None
) -> UsesByMonth:
    """What the caller's organisation has recorded, by agreement and month, the newest first: twelve
    months up to the current one or another, with what they cost by the price lines."""
    organisation = OrganisationId(caller.organisation_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, organisation)
        freshness = await require_fresh(context, connection)
        last = period_of(UnixSeconds(freshness.now)) if until is None else parse_period(until)
        first = Period(max(0, last - MONTHS_AT_ONCE + 1))
        months = await uses_by_month(connection, organisation, first, last)
        earlier = await month_used_before(connection, organisation, first)
    return UsesByMonth(
        as_of=AsOf.of(freshness),
        items=[UsesOfMonth.of(month) for month in months],
        next=None if earlier is None else period_label(earlier),
    )


@router.get("/{agreement_id}/{month}", response_model=MonthToSign)
async def show(
    context: NodeContext, caller: Reader, agreement_id: Hash, month: PeriodLabel
) -> MonthToSign:
    """One month of use of the caller's organisation, line by line, and the voucher over it."""
    organisation, agreement = OrganisationId(caller.organisation_id), AgreementId(agreement_id)
    period = parse_period(month)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, organisation)
        freshness = await require_fresh(context, connection)
        found = await find_month_of_use(connection, organisation, agreement, period)
        root = await usage_root(connection, agreement, period, found.units) if found.units else None
    voucher = None if root is None else Voucher(agreement, organisation, period, found.units, root)
    deployment = context.deployment
    return MonthToSign(
        as_of=AsOf.of(freshness),
        uses=UsesOfMonth.of(found),
        voucher=None if voucher is None else VoucherShape.of(voucher),
        typed_data=None
        if voucher is None
        else typed_data_voucher(
            voucher, deployment.chain_id, deployment.address_bytes("UsageSettlement")
        ),
    )


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
