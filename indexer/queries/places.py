"""Where facts stand: the block of a row, and its transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Table, select

from indexer import tables


def in_block(table: Table) -> ColumnElement[bool]:
    """Joins `ledger.blocks` to the rows of a table, for the block's time and hash."""
    return tables.blocks.c.block_number == table.c.block_number


def transaction_of(table: Table) -> ScalarSelect[Any]:
    """The hash of the transaction of a row: the last one that begins at or before it."""
    begun = tables.transactions
    return (
        select(begun.c.transaction_hash)
        .where(
            begun.c.block_number == table.c.block_number,
            begun.c.log_index <= table.c.log_index,
        )
        .order_by(begun.c.log_index.desc())
        .limit(1)
        .scalar_subquery()
        .correlate(table)
    )
