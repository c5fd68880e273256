"""Which block an answer rests on, and how old the index's view of the chain is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from indexer.cursor import BlockRef


class IndexEmpty(Exception):
    """The indexer has not read a single block yet."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The cursor's block, the wall clock at the database, and seconds since the indexer last read
    a chain head equal to its cursor. An idle chain is not stale, a stopped indexer is."""

    block: BlockRef
    now: int
    age_seconds: float


def read_freshness(connection: Connection) -> Freshness:
    """Raises IndexEmpty before the first block."""
    row = connection.execute(
        text(
            "SELECT c.block_number, c.block_hash, c.block_time,"
            " extract(epoch FROM clock_timestamp()) AS now,"
            " extract(epoch FROM clock_timestamp() - h.head_read_at) AS age_seconds"
            " FROM indexing.cursor c CROSS JOIN indexing.heartbeat h"
        )
    ).one_or_none()
    if row is None:
        raise IndexEmpty("The index has not caught up with the chain yet: wait, or see its log.")
    block = BlockRef(row.block_number, row.block_hash, row.block_time)
    return Freshness(block, int(row.now), max(float(row.age_seconds), 0.0))
