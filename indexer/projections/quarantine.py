"""Logs of our contracts that nothing explains: kept as they came, so that nothing stops and nothing
is lost."""

from __future__ import annotations

from indexer import tables
from indexer.chain import Log
from indexer.rows import Rows


def add_quarantined(rows: Rows, contract: str, place: tuple[int, int], log: Log) -> None:
    """The row of a log, at its block and index."""
    rows.add(tables.quarantined, (*place, contract, " ".join(log.topics), log.data))
