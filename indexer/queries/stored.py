"""Rows as they are stored, block by block, for whoever compares them with the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from indexer import tables
from indexer.cursor import BlockRef

Fact = tuple[int, str, tuple[Any, ...]]
"""A row at a block: its log index, table and values after the place."""


def facts_of_blocks(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Fact]]:
    """What the index holds of blocks: events, transactions, and what is in quarantine."""
    found: dict[int, list[Fact]] = {}
    for table in (*tables.EVENT_TABLES.values(), tables.transactions, tables.quarantined):
        statement = select(table).where(table.c.block_number.in_(numbers))
        for number, index, *values in connection.execute(statement):
            found.setdefault(number, []).append((index, table.name, tuple(values)))
    return found


def known_blocks(connection: Connection, numbers: Sequence[int]) -> dict[int, BlockRef]:
    """Those of the blocks that hold events of ours."""
    statement = select(tables.blocks).where(tables.blocks.c.block_number.in_(numbers))
    return {row.block_number: BlockRef(*row) for row in connection.execute(statement)}


def blocks_with_events(connection: Connection, first: int, last: int) -> Sequence[int]:
    """The heights from first to last, both included, at which there are events of ours."""
    blocks = tables.blocks.c.block_number
    statement = select(blocks).where(blocks.between(first, last)).order_by(blocks)
    return connection.scalars(statement).all()


def first_quarantined(
    connection: Connection, contract: str, first_block: int
) -> tuple[int, int] | None:
    """Block and index of a contract's first log from a block on that nothing explains."""
    quarantined = tables.quarantined.c
    statement = (
        select(quarantined.block_number, quarantined.log_index)
        .where(quarantined.contract == contract, quarantined.block_number >= first_block)
        .order_by(quarantined.block_number, quarantined.log_index)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else (row.block_number, row.log_index)


def first_ended_twice(connection: Connection) -> tuple[int, int] | None:
    """The first block of a consent's ending that the index holds twice, and the last one; None for
    none. The contract writes an ending once."""
    endings = tables.endings.c
    blocks = (func.min(endings.block_number), func.max(endings.block_number))
    statement = (
        select(*blocks).group_by(endings.leaf, endings.who).having(func.count() > 1)
    ).order_by(blocks[0])
    row = connection.execute(statement.limit(1)).one_or_none()
    return None if row is None else (row[0], row[1])


def leaves_at(
    connection: Connection, block_number: int, first: int, last: int
) -> tuple[bytes, ...]:
    """The leaves from index first to last, both included, that a block anchored, in order."""
    leaves = tables.leaves.c
    statement = (
        select(leaves.leaf)
        .where(leaves.leaf_index.between(first, last), leaves.block_number == block_number)
        .order_by(leaves.leaf_index)
    )
    return tuple(connection.scalars(statement))
