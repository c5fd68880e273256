"""`/v1/rates`: the commission's rates, set by the members' vote."""

from __future__ import annotations

from fastapi import APIRouter

from indexer.queries.rates import list_rates, rates_in_force
from node.api.as_of import AtTime, time_asked
from node.api.context import NodeContext, require_fresh
from node.api.schemas.base import AsOf
from node.api.schemas.statements import Rate, Rates
from node.db import query
from protocol.periods import period_label, period_of

router = APIRouter(prefix="/v1/rates", tags=["rates"])


@router.get("", response_model=Rates)
async def show(context: NodeContext, at: AtTime = None) -> Rates:
    """Rates in basis points by category of commons; with `at`, as they were known at that time.
    Public."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        time = time_asked(at, freshness)
        history = await query(connection, list_rates, time)
        in_force = await query(connection, rates_in_force, period_of(time), time)
    return Rates(
        as_of=AsOf.of(freshness),
        history=[
            Rate(
                category=rate.category,
                from_period=period_label(rate.from_period),
                rate_bps=rate.rate_bps,
                set_at=rate.set_at,
            )
            for rate in history
        ],
        in_force={int(category): int(rate) for category, rate in in_force.items()},
    )
