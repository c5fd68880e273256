"""How much happens on the ledger: leaves anchored and consents ended, by month and by issuer.

Months are in UTC. Batches are filled up with random leaves, so leaves are an upper bound of
consents; endings are counted in whosever namespace they are, whether they count or not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Values, column, func, select, values

from indexer import tables
from protocol.periods import period_start
from protocol.types import OrganisationId, Period

BLOCK_MAX = 2**63 - 1


class BlocksOfMonth(NamedTuple):
    """A month's first block with events, and the first of a later month."""

    period: Period
    begin: int
    end: int


def leaves_by_month(connection: Connection, first: Period, last: Period) -> dict[Period, int]:
    """Leaves anchored in each of these months, both included; a month without any is absent."""
    batches = tables.batches
    return _by_month(connection, first, last, batches, func.sum(batches.c.size))


def endings_by_month(connection: Connection, first: Period, last: Period) -> dict[Period, int]:
    """Endings written in each of these months, both included; a month without any is absent."""
    return _by_month(connection, first, last, tables.endings, func.count())


def leaves_by_issuer(
    connection: Connection, first: Period, last: Period
) -> dict[OrganisationId, int]:
    """Leaves that each issuer anchored in these months, both included."""
    batches, months = tables.batches, _blocks_of(connection, first, last)
    if not months:
        return {}
    statement = (
        select(batches.c.issuer, func.sum(batches.c.size))
        .where(batches.c.block_number >= months[0].begin)
        .where(batches.c.block_number < months[-1].end)
        .group_by(batches.c.issuer)
    )
    rows = connection.execute(statement)
    return {OrganisationId(issuer): int(leaves) for issuer, leaves in rows}


def _by_month(
    connection: Connection, first: Period, last: Period, table: Any, counted: Any
) -> dict[Period, int]:
    found = _blocks_of(connection, first, last)
    if not found:
        return {}
    months = _numbers("months", "period", "begin", "end").data(found)
    in_month = (table.c.block_number >= months.c.begin) & (table.c.block_number < months.c.end)
    statement = select(months.c.period, counted).join_from(months, table, in_month)
    rows = connection.execute(statement.group_by(months.c.period))
    return {Period(period): int(count) for period, count in rows}


def _blocks_of(connection: Connection, first: Period, last: Period) -> list[BlocksOfMonth]:
    """The months that have blocks with events. Block times never run backwards, so a month is a
    range of blocks, and what happened in it is read by its key, without a look at each block."""
    blocks = tables.blocks
    numbers = range(first, last + 2)
    times = _numbers("times", "begin").data([(period_start(Period(each)),) for each in numbers])
    begun = (
        select(blocks.c.block_number)
        .where(blocks.c.block_time >= times.c.begin)
        .order_by(blocks.c.block_time, blocks.c.block_number)
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(select(begun).select_from(times).order_by(times.c.begin)).scalars()
    begins = [BLOCK_MAX if row is None else row for row in rows]
    return [
        BlocksOfMonth(Period(number), begin, end)
        for number, begin, end in zip(numbers, begins, begins[1:], strict=False)
        if begin < end
    ]


def _numbers(name: str, *columns: str) -> Values:
    return values(*(column(each, BigInteger) for each in columns), name=name)
