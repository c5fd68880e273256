"""Commission rates: the history, and what was in force in a period."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from indexer import tables
from protocol.types import Category, Period, RateBps, UnixSeconds


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate of a category from a period on, and when it was set."""

    category: Category
    from_period: Period
    rate_bps: RateBps
    set_at: UnixSeconds


def list_rates(connection: Connection) -> list[RateRow]:
    """Every rate ever set, by category and period."""
    rates, placed = tables.rates, tables.events
    statement = (
        select(rates.c.category, rates.c.from_period, rates.c.rate_bps, placed.c.block_time)
        .join(
            placed,
            (placed.c.block_number == rates.c.block_number)
            & (placed.c.log_index == rates.c.log_index),
        )
        .order_by(rates.c.category, rates.c.from_period)
    )
    return [RateRow(*row) for row in connection.execute(statement)]


def rates_in_force(connection: Connection, period: int) -> dict[Category, RateBps]:
    """Category → rate in a period; categories without a rate are absent."""
    return {
        row.category: row.rate_bps for row in list_rates(connection) if row.from_period <= period
    }
