"""`/v1/statements`: what was settled for a period of use, line by line."""

from __future__ import annotations

from fastapi import APIRouter

from indexer.queries.settlements import lines_of_period
from node.api.context import NodeContext, require_fresh
from node.api.schemas.base import Address, AsOf, PeriodLabel
from node.api.schemas.statements import Statement, StatementLine
from node.db import query
from protocol.periods import booking_month, parse_period
from protocol.types import UnixSeconds

router = APIRouter(prefix="/v1/statements", tags=["statements"])

USE_TIMES = "asserted by the consumer"


@router.get("/{period}", response_model=Statement)
async def show(
    context: NodeContext, period: PeriodLabel, organisation: Address | None = None
) -> Statement:
    """All lines of a period, or those in which an organisation pays or is paid. Public: prices and
    settled amounts are readable by every participant of the chain."""
    number = parse_period(period)
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        lines = await query(connection, lines_of_period, number, organisation)
    return Statement(
        as_of=AsOf.of(freshness),
        period=period,
        organisation=organisation,
        provisional=booking_month(UnixSeconds(freshness.block.block_time)) <= number,
        use_times=USE_TIMES,
        lines=[StatementLine.of(line) for line in lines],
        gross_minor=sum(line.gross_minor for line in lines),
        commission_minor=sum(line.commission_minor for line in lines),
        net_minor=sum(line.net_minor for line in lines),
    )
