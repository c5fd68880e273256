"""`/organisation/statements`: the organisation's books month by month, in words and numbers, each
posting with the event that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from indexer.queries.accounts import account_names_of
from indexer.queries.books import newest_final_time
from indexer.queries.statements import (
    AccountMovement,
    PostingPlace,
    months_booked,
    movements_in,
    opening_of,
    postings_of,
)
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_names import names_of
from node.api.organisation.page_route import PageRoute
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.routes import statements
from node.api.schemas.base import PeriodLabel
from node.db import query, snapshots
from node.permissions import Area
from protocol.booking import CSV_HEADER, BookedPosting, csv_line, is_closed
from protocol.periods import booking_month, parse_period
from protocol.postings import LedgerAccount, Posting
from protocol.types import AmountMinor, BookingMonth, UnixSeconds, from_hex, to_hex

pages = APIRouter(prefix="/organisation/statements", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.USAGE)]

SHOWN = 50
EXPORTED_MAX = 100_000
Place = Annotated[str, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,9}-[0-9]{1,4}$")]


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One account in a month: opening + received − paid = closing."""

    account: LedgerAccount
    opening_minor: AmountMinor
    movements: tuple[AccountMovement, ...]

    @property
    def kind(self) -> str:
        """What its name begins with."""
        return self.account.partition(":")[0]

    @property
    def closing_minor(self) -> AmountMinor:
        """What it holds at the end of the month, or now."""
        moved = sum(each.received_minor - each.paid_minor for each in self.movements)
        return AmountMinor(self.opening_minor + moved)


@pages.get("")
async def list_months(request: Request, context: NodeContext, visitor: Reader) -> HTMLResponse:
    """The months in which anything of the organisation's moved, and the current one."""
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        names = await query(connection, account_names_of, visitor.organisation_id)
        booked = await query(connection, months_booked, names)
        final = await query(connection, newest_final_time, context.settings.finality_blocks)
    current = booking_month(UnixSeconds(freshness.now))
    months = sorted({current, *booked}, reverse=True)
    values = {"months": [(month, is_closed(month, final)) for month in months]}
    return show(request, context, visitor, "statements.html", values)


@pages.get("/{month}.csv")
async def export(context: NodeContext, visitor: Reader, month: PeriodLabel) -> Response:
    """The month's postings to or from the organisation's accounts, as the books export them."""
    booked = await _read_postings(context, visitor, month, None, EXPORTED_MAX)
    text = CSV_HEADER + "".join(csv_line(each) for each in booked)
    name = {"Content-Disposition": f'attachment; filename="statement-{month}.csv"'}
    return Response(text, 200, {**name, "Cache-Control": "no-store"}, "text/csv")


@pages.get("/{month}")
async def show_month(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    month: PeriodLabel,
    after: Place | None = None,
) -> HTMLResponse:
    """What each account opens with, what moves it, what it closes with; and the postings."""
    number = BookingMonth(parse_period(month))
    own = visitor.organisation_id
    settled = await statements.show(context, month, own, limit=1)
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        accounts = await query(connection, _read_accounts, own, number)
    begin = None if after is None else PostingPlace(*map(int, after.split("-")))
    booked = await _read_postings(context, visitor, month, begin, SHOWN + 1)
    agreements = _agreements_in(accounts, booked)
    values = {
        "month": month,
        "settled": settled,
        "block": freshness.block,
        "accounts": accounts,
        "agreements": agreements,
        "agreement_names": await names_of(context, visitor, {*agreements.values()}),
        "postings": [(each, kind_of_event(each.posting)) for each in booked[:SHOWN]],
        "next": "-".join(map(str, booked[SHOWN - 1].place)) if len(booked) > SHOWN else None,
        "after": after,
        "own_names": {each.account for each in accounts},
    }
    return show(request, context, visitor, "statement.html", values)


def kind_of_event(posting: Posting) -> str:
    """Among the kinds of events that `/governance/events` lists, the one that made the posting."""
    kinds = {each.partition(":")[0] for each in (posting.source, posting.target)}
    if posting.period is not None:
        return "use"
    if kinds == {"deposit", "transit"}:
        return "deposits"
    if kinds == {"balance", "transit"}:
        return "balances"
    return "holdings"


def _agreements_in(
    accounts: list[AccountStatement], booked: list[BookedPosting]
) -> dict[str, bytes]:
    """Those that are shown, by their ids as accounts' names have them."""
    moved = {each.agreement_id for account in accounts for each in account.movements}
    postings = [each.posting for each in booked]
    named = [each.account for each in accounts]
    named += [name for each in postings for name in (each.source, each.target)]
    deposits = {from_hex(name.split(":")[1]) for name in named if name.startswith("deposit:")}
    return {to_hex(each): each for each in {*moved, *deposits} if each is not None}


def _read_accounts(
    connection: Connection, organisation: bytes, month: BookingMonth
) -> list[AccountStatement]:
    names = account_names_of(connection, organisation)
    opening = opening_of(connection, names, month)
    movements = movements_in(connection, names, month)
    found = [
        AccountStatement(
            name,
            opening.get(name, AmountMinor(0)),
            tuple(each for each in movements if each.account == name),
        )
        for name in names
    ]
    return [each for each in found if each.movements or each.opening_minor]


async def _read_postings(
    context: Context, visitor: Principal, month: str, after: PostingPlace | None, limit: int
) -> list[BookedPosting]:
    number = BookingMonth(parse_period(month))
    async with snapshots(context.database).connect() as connection:
        await require_fresh(context, connection)
        names = await query(connection, account_names_of, visitor.organisation_id)
        return await query(connection, postings_of, names, number, after, limit)
