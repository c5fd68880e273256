"""Logs of our contracts that nothing explains: kept as they came, so that nothing stops and nothing
is lost."""

from __future__ import annotations

from typing import NamedTuple

from indexer import tables
from indexer.chain import Log
from indexer.cursor import BlockRef
from indexer.rows import Rows


class QuarantinedLog(NamedTuple):
    """A log, the contract that emitted it, and where it stands."""

    log: Log
    contract: str
    block: BlockRef
    log_index: int
    transaction_hash: str


def add_quarantined(rows: Rows, quarantined: QuarantinedLog) -> None:
    """The log's row."""
    log = quarantined.log
    place = (quarantined.block.block_number, quarantined.log_index)
    values = (quarantined.contract, " ".join(log.topics), log.data)
    rows.add(tables.quarantined, (*place, *values))
