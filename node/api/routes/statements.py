"""`/v1/statements`: what was settled in a booking month, line by line."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from indexer.queries.books import newest_final_time
from indexer.queries.settlements import LinePlace, lines_booked_in, totals_booked_in
from node.api.context import NodeContext, require_fresh
from node.api.schemas.base import Address, AsOf, PeriodLabel
from node.api.schemas.statements import Statement, StatementLine
from node.db import query, snapshots
from protocol.booking import is_closed
from protocol.periods import parse_period
from protocol.types import BookingMonth

router = APIRouter(prefix="/v1/statements", tags=["statements"])

LINES_MAX = 1_000
Place = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{1,18}-[0-9]{1,9}-[0-9]{1,4}$",
        description="`next` of the page before: block, log and line.",
    ),
]
USE_TIMES = "asserted by the consumer"


@router.get("/{month}", response_model=Statement)
async def show(
    context: NodeContext,
    month: PeriodLabel,
    organisation: Address | None = None,
    after: Place | None = None,
    limit: Annotated[int, Query(ge=1, le=LINES_MAX)] = LINES_MAX,
) -> Statement:
    """Lines booked in a month, Europe/Paris, or those in which an organisation pays or is paid, in
    the order of the chain, and what all of them add up to, whichever page is asked for. A voucher
    settled late is in the month of its settlement, as of previous periods. Provisional until the
    month is closed; then it never changes again. Public: prices and settled amounts are readable by
    every participant of the chain."""
    number = BookingMonth(parse_period(month))
    begin = None if after is None else LinePlace(*map(int, after.split("-")))
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        finality = context.settings.finality_blocks
        final_time = await query(connection, newest_final_time, finality)
        lines = await query(connection, lines_booked_in, number, organisation, begin, limit + 1)
        totals = await query(connection, totals_booked_in, number, organisation)
    more = lines[limit - 1].place if len(lines) > limit else None
    return Statement(
        as_of=AsOf.of(freshness),
        month=month,
        organisation=organisation,
        provisional=not is_closed(number, final_time),
        use_times=USE_TIMES,
        lines=[StatementLine.of(line) for line in lines[:limit]],
        gross_minor=totals.gross_minor,
        commission_minor=totals.commission_minor,
        net_minor=totals.net_minor,
        next=None if more is None else "-".join(map(str, more)),
    )
