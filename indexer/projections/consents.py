"""Leaves in the order of the log, and who ended which. What a leaf means, only its entry tells."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.rows import Row, fact_row
from protocol import events


class LogGap(Exception):
    """A batch does not begin where the log ended: the node left logs out."""


def next_leaf_index(connection: Connection) -> int:
    """Leaves in the log so far."""
    statement = select(func.coalesce(func.max(tables.leaves.c.leaf_index) + 1, 0))
    return int(connection.execute(statement).scalar_one())


def rows_of(placed: PlacedEvent, next_index: int) -> tuple[list[Row], int]:
    """Rows of one event and the log's size after it; raises LogGap."""
    match placed.event:
        case events.LeavesAnchored(issuer, root, first_index, leaves):
            if first_index != next_index:
                raise LogGap(
                    f"block {placed.origin.block_number}: a batch begins at leaf {first_index}, "
                    f"the index holds {next_index} leaves; the node left logs out"
                )
            batch = (issuer, root, first_index, len(leaves))
            rows = [fact_row(tables.batches, placed, *batch)]
            block_number = placed.origin.block_number
            rows += [
                Row(tables.leaves, (first_index + offset, block_number, leaf))
                for offset, leaf in enumerate(leaves)
            ]
            return rows, next_index + len(leaves)
        case events.ConsentEnded(who, leaf):
            return [fact_row(tables.endings, placed, who, leaf)], next_index
        case events.WithdrawalRefused(holder, leaf):
            return [fact_row(tables.refused_withdrawals, placed, holder, leaf)], next_index
    return [], next_index
