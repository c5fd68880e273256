"""`/v1/statements`: what was settled in a booking month, line by line."""

from __future__ import annotations

from fastapi import APIRouter

from indexer.queries.books import newest_final_time
from indexer.queries.settlements import lines_booked_in
from node.api.context import NodeContext, require_fresh
from node.api.schemas.base import Address, AsOf, PeriodLabel
from node.api.schemas.statements import Statement, StatementLine
from node.db import query
from protocol.booking import is_closed
from protocol.periods import parse_period
from protocol.types import BookingMonth

router = APIRouter(prefix="/v1/statements", tags=["statements"])

USE_TIMES = "asserted by the consumer"


@router.get("/{month}", response_model=Statement)
async def show(
    context: NodeContext, month: PeriodLabel, organisation: Address | None = None
) -> Statement:
    """All lines booked in a month, Europe/Paris, or those in which an organisation pays or is paid.
    A voucher settled late is in the month of its settlement, as of previous periods. Provisional
    until the month is closed; then it never changes again. Public: prices and settled amounts are
    readable by every participant of the chain."""
    number = BookingMonth(parse_period(month))
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        finality = context.settings.finality_blocks
        final_time = await query(connection, newest_final_time, finality)
        lines = await query(connection, lines_booked_in, number, organisation)
    return Statement(
        as_of=AsOf.of(freshness),
        month=month,
        organisation=organisation,
        provisional=not is_closed(number, final_time),
        use_times=USE_TIMES,
        lines=[StatementLine.of(line) for line in lines],
        gross_minor=sum(line.gross_minor for line in lines),
        commission_minor=sum(line.commission_minor for line in lines),
        net_minor=sum(line.net_minor for line in lines),
    )
