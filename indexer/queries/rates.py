"""Commission rates: the history, and what was in force in a period."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from indexer import tables
from indexer.queries.places import in_block
from protocol.types import Category, Period, RateBps, UnixSeconds


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate of a category from a period on, and when it was set."""

    category: Category
    from_period: Period
    rate_bps: RateBps
    set_at: UnixSeconds


def list_rates(
    connection: Connection,
    known_at: int | None = None,
    after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[RateRow]:
    """Every rate that was not replaced, by category and the period from which it holds; of those
    that were set at or before `known_at`, those after a category and period."""
    rates, blocks = tables.rates, tables.blocks
    statement = (
        select(rates.c.category, rates.c.from_period, rates.c.rate_bps, blocks.c.block_time)
        .join(blocks, in_block(rates))
        .ext(distinct_on(rates.c.category, rates.c.from_period))
        .order_by(
            rates.c.category,
            rates.c.from_period,
            rates.c.block_number.desc(),
            rates.c.log_index.desc(),
        )
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(rates.c.category, rates.c.from_period) > tuple_(*after))
    if known_at is not None:
        statement = statement.where(blocks.c.block_time <= known_at)
    return [RateRow(*row) for row in connection.execute(statement)]


def rates_in_force(
    connection: Connection, period: int, known_at: int | None = None
) -> dict[Category, RateBps]:
    """Category → rate in a period, as known at a time; categories without a rate are absent."""
    rates, blocks = tables.rates, tables.blocks
    statement = (
        select(rates.c.category, rates.c.rate_bps)
        .ext(distinct_on(rates.c.category))
        .where(rates.c.from_period <= period)
        .order_by(
            rates.c.category,
            rates.c.from_period.desc(),
            rates.c.block_number.desc(),
            rates.c.log_index.desc(),
        )
    )
    if known_at is not None:
        known = select(blocks.c.block_number).where(blocks.c.block_time <= known_at)
        statement = statement.where(rates.c.block_number.in_(known))
    return {Category(row.category): RateBps(row.rate_bps) for row in connection.execute(statement)}
