"""How much happens on the ledger: leaves anchored and consents ended, by month and by issuer.

Months are in UTC. Batches are filled up with random leaves, so leaves are an upper bound of
consents; endings are counted in whosever namespace they are, whether they count or not.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Subquery, column, func, select, values

from indexer import tables
from indexer.queries.places import in_block
from protocol.periods import period_start
from protocol.types import OrganisationId, Period


def leaves_by_month(connection: Connection, first: Period, last: Period) -> dict[Period, int]:
    """Leaves anchored in each of these months, both included; a month without any is absent."""
    return _by_month(connection, _months(first, last), tables.batches, tables.batches.c.size)


def endings_by_month(connection: Connection, first: Period, last: Period) -> dict[Period, int]:
    """Endings written in each of these months, both included; a month without any is absent."""
    return _by_month(connection, _months(first, last), tables.endings, None)


def leaves_by_issuer(
    connection: Connection, first: Period, last: Period
) -> dict[OrganisationId, int]:
    """Leaves that each issuer anchored in these months, both included."""
    batches, months = tables.batches, _months(first, last)
    statement = _in_months(
        select(batches.c.issuer, func.sum(batches.c.size)), batches, months
    ).group_by(batches.c.issuer)
    rows = connection.execute(statement)
    return {OrganisationId(issuer): int(leaves) for issuer, leaves in rows}


def _by_month(
    connection: Connection, months: Subquery, table: Any, weight: Any | None
) -> dict[Period, int]:
    counted = func.count() if weight is None else func.sum(weight)
    statement = _in_months(select(months.c.period, counted), table, months)
    rows = connection.execute(statement.group_by(months.c.period))
    return {Period(period): int(count) for period, count in rows}


def _in_months(statement: Select[Any], table: Any, months: Subquery) -> Select[Any]:
    blocks = tables.blocks
    return (
        statement.select_from(months)
        .join(
            blocks, (blocks.c.block_time >= months.c.begin) & (blocks.c.block_time < months.c.end)
        )
        .join(table, in_block(table))
    )


def _months(first: Period, last: Period) -> Subquery:
    """Each month with its first second and the next one's, by the calendar of the protocol."""
    rows = [
        (number, period_start(Period(number)), period_start(Period(number + 1)))
        for number in range(first, last + 1)
    ]
    names = (column(name, BigInteger) for name in ("period", "begin", "end"))
    return select(values(*names, name="calendar").data(rows)).subquery("months")
