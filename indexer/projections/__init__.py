"""Projections: each event becomes rows; what is more than the event itself has a module by noun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from sqlalchemy import Engine

from indexer import tables
from indexer.cursor import BlockRef
from indexer.decode import PlacedEvent
from indexer.projections.agreements import add_proposal
from indexer.projections.consents import add_batch
from indexer.projections.facts import projection_of
from indexer.projections.known import Known, LogGap
from indexer.projections.postings import MONEY, Bookkeeper
from indexer.projections.quarantine import QuarantinedLog, add_quarantined
from indexer.projections.settlements import add_settlement
from indexer.rows import Rows
from protocol import events
from protocol.types import ContractAddress

__all__ = ["LogGap", "Projector", "QuarantinedLog"]

RICHER = {
    events.AgreementProposed: add_proposal,
    events.LeavesAnchored: add_batch,
    events.UsageSettled: add_settlement,
}
"""Events that are more than one row of their own fields."""


class Projector:
    """Turns what the chain reported into rows."""

    def __init__(self, engine: Engine, addresses: Mapping[str, bytes]) -> None:
        self._known = Known(engine)
        books = Bookkeeper(
            ContractAddress(addresses["UsageSettlement"]),
            ContractAddress(addresses["CommonsTreasury"]),
            self._known,
        )
        self._projections: dict[type, list[Callable[[Rows, PlacedEvent], None]]] = {}
        for kind in tables.EVENT_TABLES:
            if kind in RICHER:
                self._projections[kind] = [partial(_richer, RICHER[kind], self._known)]
            else:
                self._projections[kind] = [projection_of(kind)]
            if kind in MONEY:
                self._projections[kind].append(books.add_postings)

    def forget(self) -> None:
        """Drops what was remembered of rows that a roll-back has deleted."""
        self._known.forget()

    def project(self, reported: Iterable[PlacedEvent | QuarantinedLog]) -> Rows:
        """The rows of a reading, which is in chain order. Raises LogGap."""
        rows = Rows()
        block: BlockRef | None = None
        transaction_hash = ""
        for placed in reported:
            if placed.block is not block:
                block, transaction_hash = placed.block, ""
                values = (block.block_number, block.block_hash, block.block_time)
                rows.add(tables.blocks, values)
            if placed.transaction_hash != transaction_hash:
                transaction_hash = placed.transaction_hash
                place = (block.block_number, placed.log_index)
                rows.add(tables.transactions, (*place, bytes.fromhex(transaction_hash[2:])))
            if isinstance(placed, QuarantinedLog):
                add_quarantined(rows, placed)
                continue
            for add in self._projections[type(placed.event)]:
                add(rows, placed)
        return rows


def _richer(
    add: Callable[[Rows, Known, PlacedEvent], None], known: Known, rows: Rows, placed: PlacedEvent
) -> None:
    add(rows, known, placed)
