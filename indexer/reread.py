"""Reads a chain again, from the first block up to one of the past, by the indexer's own code.

The indexer is given a chain that ends at that block. Where the node contradicts itself, or the
contracts contradict what its logs add up to, again and again, that is a finding and no error.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from indexer import patience
from indexer.audit import Auditor
from indexer.chain import Chain, ChainError, Header
from indexer.cursor import BlockRef, Halted, read_cursor
from indexer.runner import TRANSIENT, Indexer, Source


class BlockReplaced(Exception):
    """The chain does not have the block any more up to which the index was to be compared."""

    def __init__(self, block: BlockRef) -> None:
        super().__init__(
            f"The chain has another block {block.block_number} than the index "
            f"(0x{block.block_hash.hex()}): wait until the indexer has followed it, which "
            "`ptx-ledger index status` shows, and ask again. Its log says if it stands still."
        )


class ChainUpTo(Chain):
    """A chain as if it ended at a block of the past."""

    def __init__(self, url: str, last: BlockRef) -> None:
        super().__init__(url)
        self._last = last

    def head(self) -> Header:
        """That block. Raises BlockReplaced if the chain has another in its place."""
        header = self.header(self._last.block_number)
        if header.block_hash != self._last.block_hash:
            raise BlockReplaced(self._last)
        return header


@dataclass(frozen=True, slots=True)
class Reread:
    """What came of it. `contradiction` is why the chain could not be read to its end, None if it
    was; `is_audited` says whether the contracts were asked about the books at that block."""

    contradiction: str | None
    is_audited: bool


def read_again(
    engine: Engine, source: Source, last: BlockRef, on_step: Callable[[int], None]
) -> Reread:
    """Fills an empty index up to a block.

    Raises BlockReplaced, and ChainError where the node does not answer.
    """
    chain = ChainUpTo(source.chain.url, last)
    auditor = Auditor(chain, source.addresses, is_live=False)
    indexer = Indexer(engine, replace(source, chain=chain), auditor)
    try:
        _catch_up(indexer, engine, on_step)
    except Halted as halted:
        return Reread(str(halted), False)
    except TRANSIENT as error:
        if isinstance(error, ChainError):
            raise
        return Reread(str(error), False)
    finally:
        chain.close()
    return Reread(None, auditor.compared == last)


def _catch_up(indexer: Indexer, engine: Engine, on_step: Callable[[int], None]) -> None:
    """Raises what one and the same place ended with for the last time."""
    attempts, furthest = 0, -1
    while True:
        try:
            return indexer.catch_up(on_step)
        except TRANSIENT:
            with engine.connect() as connection:
                cursor = read_cursor(connection)
            reached = cursor.at.block_number if cursor else 0
            attempts = 1 if reached > furthest else attempts + 1
            furthest = max(reached, furthest)
            if attempts == patience.ATTEMPTS_MAX:
                raise
            time.sleep(patience.PAUSE_SECONDS)
