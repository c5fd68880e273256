"""`/v1/rates`: the commission's rates, set by the members' vote."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from indexer.queries.rates import RateRow, list_rates, rates_in_force
from node.api.as_of import AtTime, block_asked, time_asked
from node.api.context import NodeContext, require_fresh
from node.api.schemas.base import AsOf, Block
from node.api.schemas.statements import Rate, Rates
from node.db import query, snapshots
from protocol.periods import parse_period, period_label, period_of

router = APIRouter(prefix="/v1/rates", tags=["rates"])

RATES_MAX = 1_000
CategoryAndPeriod = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{1,9}-(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])$",
        description="`next` of the page before: category and period.",
    ),
]


@router.get("", response_model=Rates)
async def show(
    context: NodeContext,
    at: AtTime = None,
    after: CategoryAndPeriod | None = None,
    limit: Annotated[int, Query(ge=1, le=RATES_MAX)] = RATES_MAX,
) -> Rates:
    """Rates in basis points by category of commons and period; with `at`, as they were known at
    that time. Public."""
    begin = None if after is None else _parse(after)
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        time = time_asked(at, freshness)
        history = await query(connection, list_rates, time, begin, limit + 1)
        in_force = await query(connection, rates_in_force, period_of(time), time)
        block = await block_asked(connection, at, freshness)
    return Rates(
        as_of=AsOf.of(freshness),
        at=at,
        proven_by=None if block is None else Block.of(block),
        history=[
            Rate(
                category=rate.category,
                from_period=period_label(rate.from_period),
                rate_bps=rate.rate_bps,
                set_at=rate.set_at,
            )
            for rate in history[:limit]
        ],
        in_force={int(category): int(rate) for category, rate in in_force.items()},
        next=_place_of(history[limit - 1]) if len(history) > limit else None,
    )


def _parse(after: str) -> tuple[int, int]:
    category, _, period = after.partition("-")
    return int(category), parse_period(period)


def _place_of(rate: RateRow) -> str:
    return f"{rate.category}-{period_label(rate.from_period)}"
