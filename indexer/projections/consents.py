"""Batches, and their leaves in the order of the log. What a leaf means, only its entry tells."""

from __future__ import annotations

from typing import Any

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.known import Known
from indexer.rows import Rows, encode_bytes
from protocol.events import LeavesAnchored


def batch_values(event: LeavesAnchored) -> tuple[Any, ...]:
    """The row of the batch after its place."""
    return (event.issuer, event.root, event.first_index, len(event.leaves))


def add_batch(rows: Rows, known: Known, placed: PlacedEvent) -> None:
    """The batch and its leaves. Raises LogGap if it does not begin where the log ends."""
    event = placed.event
    assert isinstance(event, LeavesAnchored)
    first, number = event.first_index, placed.block.block_number
    known.take_leaves(first, len(event.leaves))
    rows.add(tables.batches, (number, placed.log_index, *batch_values(event)))
    middle = f"\t{number}\t"
    rows.add_lines(
        tables.leaves,
        [
            f"{index}{middle}{encode_bytes(leaf)}"
            for index, leaf in enumerate(event.leaves, start=first)
        ],
    )
