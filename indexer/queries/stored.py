"""Rows as they are stored, block by block, for whoever compares them with the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Table,
    any_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from indexer import tables
from indexer.cursor import BlockRef

Fact = tuple[int, str, tuple[Any, ...]]
"""A row at a block: its log index, table and values after the place."""


FACT_TABLES = (*tables.EVENT_TABLES.values(), tables.transactions, tables.quarantined)
_FILLED: CompoundSelect[int] = union_all(
    *(
        select(literal_column(str(place))).where(
            exists().where(table.c.block_number.between(bindparam("first"), bindparam("last")))
        )
        for place, table in enumerate(FACT_TABLES)
    )
)
"""Which of these tables hold something between two blocks: most blocks fill few of them."""


def facts_of_blocks(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Fact]]:
    """What the index holds of blocks: events, transactions, and what is in quarantine."""
    found: dict[int, list[Fact]] = {}
    ends = {"first": min(numbers), "last": max(numbers)}
    for place in connection.scalars(_FILLED, ends).all():
        table = FACT_TABLES[place]
        statement = select(table).where(_is_among(table, numbers))
        for number, index, *values in connection.execute(statement):
            found.setdefault(number, []).append((index, table.name, tuple(values)))
    return found


def _is_among(table: Table, numbers: Sequence[int]) -> ColumnElement[bool]:
    """One parameter, however many blocks."""
    return table.c.block_number == any_(literal(list(numbers), ARRAY(BigInteger)))


def known_blocks(connection: Connection, numbers: Sequence[int]) -> dict[int, BlockRef]:
    """Those of the blocks that hold events of ours."""
    statement = select(tables.blocks).where(_is_among(tables.blocks, numbers))
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
