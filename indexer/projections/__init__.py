"""Projections: each log becomes rows; what is more than the event itself has a module by noun."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog
from sqlalchemy import Engine, Table

from indexer import tables
from indexer.abi import Malformed
from indexer.chain import Log
from indexer.cursor import BlockRef
from indexer.decode import Decoder, PlacedEvent, UndecodableLog
from indexer.projections.agreements import add_proposal
from indexer.projections.consents import add_batch
from indexer.projections.direct import DirectRows, direct_rows
from indexer.projections.facts import projection_of
from indexer.projections.known import Known, LogGap
from indexer.projections.postings import MONEY, Bookkeeper
from indexer.projections.quarantine import add_quarantined
from indexer.projections.settlements import add_settlement
from indexer.rows import Rows
from indexer.rpc import ChainUnreachable
from protocol import events
from protocol.types import ContractAddress

__all__ = ["LogGap", "Projector"]

RICHER = {
    events.AgreementProposed: add_proposal,
    events.LeavesAnchored: add_batch,
    events.UsageSettled: add_settlement,
}
"""Events that are more than one row of their own fields."""

HEX = re.compile(r"0x([0-9a-fA-F]{2})*")

logger = structlog.get_logger("indexer")


class Projector:
    """Turns what the chain reported into rows."""

    def __init__(self, engine: Engine, addresses: Mapping[str, bytes]) -> None:
        self._decoder = Decoder(addresses)
        self._known = Known(engine)
        self._put_aside: list[tuple[str, tuple[int, int]]] = []
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
        self._direct: dict[tuple[str, str], tuple[Table, DirectRows]] = {}
        for (contract, topic), form in self._decoder.forms.items():
            direct = None if form.build in (*RICHER, *MONEY) else direct_rows(form)
            if direct is not None:
                address = "0x" + addresses[contract].hex()
                self._direct[address, topic] = (tables.EVENT_TABLES[form.build], direct)

    def forget(self) -> None:
        """Drops what was remembered of rows that a roll-back has deleted."""
        self._known.forget()

    def project(self, logs: Iterable[Log], blocks: Mapping[str, BlockRef]) -> Rows:
        """The rows of logs in the order of the chain; `blocks` by height as the wire has it.

        Raises LogGap, and ChainUnreachable for a log that is no hexadecimal text.
        """
        rows = Rows()
        self._put_aside = []
        height = transaction_hash = ""
        block, place = BlockRef(0, b"", 0), ""
        busy: dict[tuple[str, str], tuple[list[Log], list[str]]] = {}
        for log in logs:
            if log.block_number != height:
                height, transaction_hash = log.block_number, ""
                block = blocks[height]
                place = f"{block.block_number}\t"
                rows.add(tables.blocks, (block.block_number, block.block_hash, block.block_time))
            index = int(log.log_index, 16)
            if log.transaction_hash != transaction_hash:
                transaction_hash = log.transaction_hash
                values = (block.block_number, index, bytes.fromhex(transaction_hash[2:]))
                rows.add(tables.transactions, values)
            kind = (log.address, log.topics[0] if log.topics else "")
            if kind in self._direct:
                if kind not in busy:
                    busy[kind] = ([], [])
                those, places = busy[kind]
                those.append(log)
                places.append(f"{place}{index}")
            else:
                self._add(rows, log, block, index)
        for kind, (those, places) in busy.items():
            table, direct = self._direct[kind]
            try:
                rows.add_lines(table, direct.lines(those, places))
            except (Malformed, ValueError):
                for log in those:  # the long way finds out which, and what is wrong
                    self._add(rows, log, blocks[log.block_number], int(log.log_index, 16))
        return rows

    def project_event(self, rows: Rows, placed: PlacedEvent) -> None:
        """The long way: the rows of an event."""
        for add in self._projections[type(placed.event)]:
            add(rows, placed)

    def _add(self, rows: Rows, log: Log, block: BlockRef, index: int) -> None:
        try:
            placed = self._decoder.decode(log, block)
            if placed is None:
                raise ChainUnreachable(f"a log of {log.address} came unasked")
            self.project_event(rows, placed)
        except LogGap as gap:
            gap.place = (block.block_number, index)
            gap.put_aside = [at for contract, at in self._put_aside if contract == gap.contract]
            raise
        except UndecodableLog as error:
            if not all(map(HEX.fullmatch, (log.data, *log.topics))):
                raise ChainUnreachable(f"a log of block {block.block_number} is no hex") from error
            logger.critical(
                "log_quarantined",
                block=block.block_number,
                log_index=index,
                reason=str(error),
            )
            contract = self._decoder.contract_of(log)
            assert contract is not None
            place = (block.block_number, index)
            self._put_aside.append((contract, place))
            add_quarantined(rows, contract, place, log)


def _richer(
    add: Callable[[Rows, Known, PlacedEvent], None], known: Known, rows: Rows, placed: PlacedEvent
) -> None:
    add(rows, known, placed)
