"""Which block an answer rests on, and how old the index's view of the chain is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text

from indexer import tables
from indexer.cursor import BlockRef


class IndexEmpty(Exception):
    """The indexer has not read a single block yet."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The cursor's block, the wall clock at the database, and seconds since the indexer last read
    a chain head equal to its cursor. An idle chain is not stale, a stopped indexer is, and so is
    one that stands still because it must not guess: `halt` says why."""

    block: BlockRef
    now: int
    age_seconds: float
    halt: str | None = None


FRESHNESS_SQL = (
    "SELECT c.block_number, c.block_hash, c.block_time,"
    " extract(epoch FROM clock_timestamp())::float8 AS now,"
    " extract(epoch FROM clock_timestamp() - h.head_read_at)::float8 AS age_seconds,"
    " (SELECT reason FROM indexing.halt) AS halt"
    " FROM indexing.cursor c CROSS JOIN indexing.heartbeat h"
)
"""The columns of a Freshness, or no row before the first block."""


def read_freshness(connection: Connection) -> Freshness:
    """Raises IndexEmpty before the first block."""
    row = connection.execute(text(FRESHNESS_SQL)).one_or_none()
    if row is None:
        raise IndexEmpty("The index has not caught up with the chain yet: wait, or see its log.")
    return freshness_of(row)


def freshness_of(row: Sequence[Any]) -> Freshness:
    """From a row of `FRESHNESS_SQL`."""
    number, block_hash, block_time, now, age_seconds, halt = row
    block = BlockRef(number, block_hash, block_time)
    return Freshness(block, int(now), max(age_seconds, 0.0), halt)


def count_quarantined(connection: Connection) -> int:
    """Logs of our contracts that nothing explains."""
    statement = select(func.count()).select_from(tables.quarantined)
    return int(connection.execute(statement).scalar_one())
