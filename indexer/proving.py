"""Proves the index block by block, behind the reading of it.

A back-fill believes what blooms, running numbers and the contracts do not contradict; an event
without a number of its own may be missing all the same. So every block that was read is compared
once with its header and its receipts, from the first one up, while the index stands at the head: a
few at a time, so that the head is never waited for. How far this is, `indexing.proven` says; what
a roll-back takes back is proven again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import Engine

from indexer.block_checks import BlockChecker, BlockFault
from indexer.chain import Chain
from indexer.cursor import lock_cursor, move_proven, read_cursor, read_proven

TURN_SECONDS = 0.2

logger = structlog.get_logger("indexer")


class Disproved(Exception):
    """Twice, with new answers each time, a block was not what the index holds of it."""

    def __init__(self, fault: BlockFault) -> None:
        super().__init__(str(fault))
        self.block_number = fault.block_number


class Prover:
    """Walks up one index.

    `doubted` is a block that was disproved, until it is proven: the index is not to be served.
    """

    def __init__(
        self, engine: Engine, chain: Chain, addresses: Mapping[str, bytes], first_block: int
    ) -> None:
        self._engine = engine
        self._chain = chain
        self._addresses = addresses
        self._first_block = first_block
        self._suspected: int | None = None
        self.doubted: int | None = None

    def turn(self, should_stop: Callable[[], bool]) -> bool:
        """Compares blocks for a moment; whether some are left.

        Raises Disproved; ChainError and ChainMoved where the node does not answer with these
        blocks, and CursorMoved where they were taken back meanwhile.
        """
        ends_at = time.monotonic() + TURN_SECONDS
        snapshot = self._engine.connect().execution_options(isolation_level="REPEATABLE READ")
        with snapshot as index:
            cursor, proven = read_cursor(index), read_proven(index)
            first = self._first_block if proven is None else proven.block_number + 1
            if cursor is None or first > cursor.at.block_number:
                self.doubted = None  # with the block gone, nothing of it is served
                return False
            checker = BlockChecker(
                index, self._chain, self._addresses, cursor.at, proven, blooms_tell=True, attempts=1
            )
            faults = checker.check(
                range(first, cursor.at.block_number + 1),
                lambda blocks: None,
                lambda: should_stop() or time.monotonic() > ends_at,
            )
            fault = next(faults, None)
        reached = checker.checked
        if reached is not None and reached != proven:
            with self._engine.begin() as connection:
                lock_cursor(connection, cursor)
                move_proven(connection, reached)
            if self.doubted is not None and reached.block_number >= self.doubted:
                logger.warning("block_proven_after_all", block=self.doubted)
                self.doubted = None
        if fault is not None:
            self._judge(fault)
        else:
            self._suspected = None
        return reached is None or reached.block_number < cursor.at.block_number

    def _judge(self, fault: BlockFault) -> None:
        """Raises Disproved where it is the second time: the chain may just have had another block
        there, or the node a bad moment."""
        if fault.block_number != self._suspected:
            logger.warning("block_suspected", block=fault.block_number, reason=fault.problem)
            self._suspected = fault.block_number
            return
        self._suspected = None
        self.doubted = fault.block_number
        raise Disproved(fault)
