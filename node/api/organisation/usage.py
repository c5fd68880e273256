"""`/organisation/usage`: what the organisation used, what was used of what it provides, and what
each month costs or brings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from indexer.queries.participants import find_dids
from indexer.queries.use import PaidUse, use_paid_to
from node.api.context import Context, NodeContext, require_fresh
from node.api.governance.tables import Kind
from node.api.organisation.agreement_names import names_of
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.csv_files import csv_file
from node.api.organisation.page_route import PageRoute
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.routes import usages
from node.api.routes.usages import MONTHS_AT_ONCE
from node.api.schemas.base import Hash, PeriodLabel
from node.commands.name_agreements import name_agreements
from node.commands.show_uses import Use, find_month_of_use, list_uses
from node.db import act_as, query
from node.permissions import Area
from protocol.periods import parse_period, period_of
from protocol.types import AgreementId, OrganisationId, Period, UnixSeconds, to_hex

pages = APIRouter(prefix="/organisation/usage", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.USAGE)]
Until = Annotated[PeriodLabel | None, BlankIsNone]

SHOWN = 50
EXPORTED_MAX = 100_000
OWN_COLUMNS = {
    **{"month": Kind.MONTH, "agreementId": Kind.NAME, "units": Kind.COUNT},
    **{"settledUnits": Kind.COUNT, "gross": Kind.MONEY, "commission": Kind.MONEY},
}
PAID_COLUMNS = {
    **{"month": Kind.MONTH, "agreementId": Kind.NAME, "consumer": Kind.NAME},
    **{"settledUnits": Kind.COUNT, "gross": Kind.MONEY, "commission": Kind.MONEY},
    "net": Kind.MONEY,
}
USE_COLUMNS = {"position": Kind.COUNT, "usedAt": Kind.TIME, "consentLeaf": Kind.NAME}


@pages.get("")
async def by_month(
    request: Request, context: NodeContext, visitor: Reader, until: Until = None
) -> HTMLResponse:
    """Twelve months: own uses as they are recorded, those of others as they are settled."""
    own = await usages.list_own(context, visitor, until)
    last, paid, dids = await _read_paid(context, visitor, until)
    agreements = {each.agreement_id for each in own.items} | {each.agreement_id for each in paid}
    values = {
        "own": own,
        "paid": paid,
        "dids": dids,
        "agreement_names": await names_of(context, visitor, agreements),
        "until": until,
        "last": last,
    }
    return show(request, context, visitor, "usage.html", values)


@pages.get(".csv")
async def export(context: NodeContext, visitor: Reader, until: Until = None) -> Response:
    """The months of own use, for programs."""
    own = await usages.list_own(context, visitor, until)
    rows = [
        (
            *(parse_period(each.period), to_hex(each.agreement_id), each.units),
            *(each.settled_units, each.gross_minor, each.commission_minor),
        )
        for each in own.items
    ]
    return csv_file("uses.csv", OWN_COLUMNS, rows)


@pages.get("/paid.csv")
async def export_paid(context: NodeContext, visitor: Reader, until: Until = None) -> Response:
    """The months of others' use, for programs."""
    _, paid, _ = await _read_paid(context, visitor, until)
    rows = [
        (
            *(each.period, to_hex(each.agreement_id), to_hex(each.consumer), each.use.units),
            *(each.use.gross_minor, each.use.commission_minor, each.use.net_minor),
        )
        for each in paid
    ]
    return csv_file("paid-use.csv", PAID_COLUMNS, rows)


@pages.get("/{agreement_id}/{month}.csv")
async def export_month(
    context: NodeContext, visitor: Reader, agreement_id: Hash, month: PeriodLabel
) -> Response:
    """Every use of a month, the newest first, up to as many as a sheet takes."""
    uses = await _read_uses(context, visitor, agreement_id, month, None, EXPORTED_MAX)
    rows = [(each.position + 1, each.used_at, to_hex(each.consent_leaf)) for each in uses]
    return csv_file(f"uses-{month}.csv", USE_COLUMNS, rows)


@pages.get("/{agreement_id}/{month}")
async def show_month(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    agreement_id: Hash,
    month: PeriodLabel,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:
    """A month under one agreement: what each price line asks for, and each use."""
    organisation = OrganisationId(visitor.organisation_id)
    place = AgreementId(agreement_id), parse_period(month)
    async with context.database.begin() as connection:
        await act_as(connection, organisation)
        await require_fresh(context, connection)
        found = await find_month_of_use(connection, organisation, *place)
        payees = [each.line.payee for each in found.lines]
        dids = await query(connection, find_dids, payees)
        names = await name_agreements(connection, organisation, [agreement_id])
    uses = await _read_uses(context, visitor, agreement_id, month, before, SHOWN + 1)
    values: dict[str, Any] = {
        "found": found,
        "agreement_names": names,
        "month": month,
        "uses": uses[:SHOWN],
        "next": uses[SHOWN - 1].position if len(uses) > SHOWN else None,
        "before": before,
        "dids": dids,
    }
    return show(request, context, visitor, "usage_month.html", values)


async def _read_uses(
    context: Context,
    visitor: Principal,
    agreement_id: bytes,
    month: str,
    before: int | None,
    limit: int,
) -> list[Use]:
    place = AgreementId(agreement_id), parse_period(month)
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        return await list_uses(connection, *place, before, limit)


async def _read_paid(
    context: Context, visitor: Principal, until: str | None
) -> tuple[Period, list[PaidUse], dict[OrganisationId, str]]:
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        now = period_of(UnixSeconds(freshness.now))
        last = now if until is None else parse_period(until)
        first = Period(last - MONTHS_AT_ONCE + 1)
        paid = await query(connection, use_paid_to, visitor.organisation_id, first, last)
        dids = await query(connection, find_dids, {each.consumer for each in paid})
    return last, paid, dids
