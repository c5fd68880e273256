"""What makes the index read blocks again that it had believed, and for how long it may.

Where a later event, a block's receipts or the database contradicts what was read, the node may have
left something out or made it up: what is not certain is taken back and read again. Where the same
comes of it, reading once more would help as little, and every reading copies what it takes back
into the feed: then the index stands still and says what somebody must do.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from indexer.chain import Chain
from indexer.cursor import BlockRef, Halted, hold_cursor, read_proven, remember_blocks
from indexer.projections import LogGap
from indexer.proving import Disproved
from indexer.queries.stored import first_quarantined
from indexer.reorg import roll_back

REREADS_MAX = 8
"""For so many different reasons until all is proven; then the node lies more than it serves."""
ANOTHER_NODE = (
    "Give CHAIN_URL another node of this chain and start the node again, which reads those blocks "
    "once more; or run `ptx-ledger index rebuild`."
)

logger = structlog.get_logger("indexer")


class ReadInVain(Halted):
    """What was read again came out the same: the index must not guess."""


class Unstorable(Exception):
    """The database cannot hold what a range of blocks says: a number too large, a key twice."""

    def __init__(self, first: int, last: int, error: Exception) -> None:
        blocks = f"Block {first}" if first == last else f"Blocks {first} to {last}"
        reason = f"{blocks} cannot be stored: {_said(error)}"
        super().__init__(reason)
        self.blocks = last - first + 1


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What was met, from which block on it may be put right by reading again, and what to do where
    it is not. The same `met` is the same contradiction."""

    met: str
    since: int
    remedy: str


class Rereads:
    """Of one index, by one process: after a new start each may be tried once more."""

    def __init__(
        self, engine: Engine, chain: Chain, first_block: int, remembered_blocks: int
    ) -> None:
        self._engine = engine
        self._chain = chain
        self._first_block = first_block
        self._remembered_blocks = remembered_blocks
        self._met: set[str] = set()

    def forget(self) -> None:
        """All that was read is proven, or the index begins anew."""
        self._met.clear()

    def read_again(self, found: Contradiction) -> int:
        """Takes back what is not certain; returns how many blocks, 0 where all is.

        Final or not: the chain has not changed. Raises ReadInVain, and ChainError.
        """
        if found.met in self._met:
            raise ReadInVain(
                f"{found.met}. The blocks from {found.since} on were read again, and it is the "
                f"same again. {found.remedy}"
            )
        if len(self._met) == REREADS_MAX:
            raise ReadInVain(
                f"{found.met}. Blocks were read again {REREADS_MAX} times for reasons like this, "
                f"and each time there was another. {ANOTHER_NODE}"
            )
        header = self._chain.header(found.since)
        before = BlockRef(found.since - 1, header.parent_block_hash, header.block_time)
        with self._engine.begin() as connection:
            cursor = hold_cursor(connection)
            assert cursor is not None
            rows = None
            if cursor.at.block_number >= found.since:
                rows = roll_back(connection, cursor, before)
                remember_blocks(connection, [before], self._remembered_blocks)
        self._met.add(found.met)
        if rows is None:
            return 0
        logger.critical("read_again", reason=found.met, from_block=found.since, rows=rows)
        return cursor.at.block_number - before.block_number

    def explain(self, met: LogGap | Unstorable) -> Contradiction:
        """What a range says about those before it."""
        return self._of_gap(met) if isinstance(met, LogGap) else self._of_unstorable(met)

    def _of_gap(self, gap: LogGap) -> Contradiction:
        """Logs are missing between the last one of their kind and the event that continues it."""
        since = gap.since or self._first_block
        with self._engine.connect() as connection:
            aside = first_quarantined(connection, gap.contract, since)
        if aside is None and gap.put_aside:
            aside = gap.put_aside[0]
        if aside is None:
            remedy = f"The node leaves out logs of {gap.contract}. {ANOTHER_NODE}"
        else:
            remedy = (
                f"What is missing may be log {aside[1]} of block {aside[0]}: {gap.contract} wrote "
                "it, no interface of that contract explains it, and what rests on it cannot be "
                "guessed. `ptx-ledger contracts verify` compares the contracts on chain with this "
                "release: run the release that they belong to and `ptx-ledger index rebuild`; "
                f"if they agree, the node garbles the log. {ANOTHER_NODE}"
            )
        block_number, log_index = gap.place
        met = f"Logs are missing before log {log_index} of block {block_number}: {gap}"
        return Contradiction(met, since, remedy)

    def _of_unstorable(self, refused: Unstorable) -> Contradiction:
        """One block says what the database cannot hold, by itself or beside what is there."""
        with self._engine.connect() as connection:
            proven = read_proven(connection)
        since = self._first_block if proven is None else proven.block_number + 1
        remedy = (
            "Either the node makes up a log or a number, or the contracts wrote what they cannot. "
            f"{ANOTHER_NODE}"
        )
        return Contradiction(str(refused), since, remedy)


def of_doubled(first: int, last: int) -> Contradiction:
    """An ending that the index holds in two blocks, though its contract writes each once."""
    met = f"The same ending of a consent is in block {first} and in block {last}"
    return Contradiction(met, first, f"The node makes up one of them. {ANOTHER_NODE}")


def of_disproved(found: Disproved) -> Contradiction:
    """A block's receipts hold something else than the index."""
    remedy = (
        "The node gives other logs than those in its receipts, or receipts and headers that do not "
        f"belong together. {ANOTHER_NODE}"
    )
    return Contradiction(f"What the index holds is not proven: {found}", found.block_number, remedy)


def _said(error: Exception) -> str:
    """What the server says in its own words, without the statement."""
    said = getattr(error, "orig", error)
    said = getattr(said, "diag", None)
    parts = said and (said.message_primary, said.message_detail, said.context)
    return "; ".join(part for part in parts or () if part) or str(error)
