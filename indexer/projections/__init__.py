"""Projections: each event becomes rows of facts, and each module answers for one noun."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from indexer.decode import PlacedEvent
from indexer.projections import agreements, consents, participants, postings, rates, settlements
from indexer.projections.rows import Row, copy_rows, event_row
from indexer.projections.terms import TermsCache
from protocol.types import ContractAddress

__all__ = ["Projector"]


class Projector:
    """Turns placed events into rows and writes them in one go."""

    def __init__(self, addresses: dict[str, bytes]) -> None:
        self._terms = TermsCache()
        self._settlement = ContractAddress(addresses["UsageSettlement"])
        self._treasury = ContractAddress(addresses["CommonsTreasury"])

    def forget(self) -> None:
        """Drops what was remembered of rows that a roll-back has deleted."""
        self._terms.clear()

    def project(self, connection: Connection, events: Iterable[PlacedEvent]) -> None:
        """Writes the rows of the events, which are in chain order. Never commits."""
        rows: list[Row] = []
        lines_of = self._terms.bound_to(connection)
        next_index = consents.next_leaf_index(connection)
        for placed in events:
            rows.append(event_row(placed))
            rows += participants.rows_of(placed)
            rows += agreements.rows_of(placed)
            self._terms.remember(placed.event)
            leaf_rows, next_index = consents.rows_of(placed, next_index)
            rows += leaf_rows
            rows += rates.rows_of(placed)
            rows += settlements.rows_of(placed, lines_of)
            rows += postings.rows_of(placed, lines_of, self._settlement, self._treasury)
        copy_rows(connection, rows)
