"""Verifies an index, believing neither it nor, where a header can prove it, the node.

The chain is read again by the indexer's own code into a database beside, up to the block at which
the index stands, and the tables of both are compared; and blocks are compared with their receipts,
those of a random sample or all. The index is only read, while its indexer goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine

from indexer import tables
from indexer.block_checks import BlockChecker, BlockFault
from indexer.cursor import BlockRef, Cursor, read_cursor
from indexer.patience import ask_patiently
from indexer.queries.stored import blocks_with_events
from indexer.reread import BlockReplaced, Reread, read_again
from indexer.runner import Source
from indexer.scratch import scratch_database
from indexer.verify import TableDifference, digest_tables, first_difference

SAMPLED_WITH_EVENTS = 100
SAMPLED_OTHERS = 100
FAULTS_KEPT = 1_000


class IndexNotComparable(Exception):
    """The index does not stand at a block to compare, or not any more."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared at a block and what differs. `faults` has the first of `faults_count`;
    `seed` chooses the same blocks again, None where all were checked."""

    at: BlockRef
    reread: Reread
    tables_compared: int
    tables_different: Sequence[TableDifference]
    seed: int | None
    blocks_checked: int
    faults: Sequence[BlockFault]
    faults_count: int

    @property
    def agrees(self) -> bool:
        """Whether nothing differs and all was compared."""
        is_read = self.reread.contradiction is None
        return is_read and not self.tables_different and not self.faults_count


@dataclass(frozen=True, slots=True)
class Progress:
    """Whom a verification tells how far it is."""

    on_begin: Callable[[int], None]
    """How many blocks are read again."""
    on_read: Callable[[int], None]
    """So many more were."""
    on_sample: Callable[[int], None]
    """How many blocks are checked."""
    on_check: Callable[[int], None]
    """So many more were."""


def verify(
    engine: Engine,
    source: Source,
    migrate: Callable[[Engine], None],
    seed: int | None,
    progress: Progress,
) -> Verification:
    """Verifies the index that the engine's database holds; `seed` chooses the blocks whose receipts
    are checked, None takes all.

    Raises IndexNotComparable, BlockReplaced, MayNotCreateDatabases, and ChainError or ChainMoved
    where the node does not answer.
    """
    cursor = _standing_at(engine)
    first = max(source.first_block, 1)
    progress.on_begin(max(cursor.at.block_number - first + 1, 0))
    with scratch_database(engine, migrate) as scratch:
        reread = read_again(scratch, source, cursor.at, progress.on_read)
        snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
        with snapshot as index, scratch.connect() as chain:
            _require_same(index, cursor, source)
            different: list[TableDifference] = []
            if reread.contradiction is None:
                different = compare_tables(index, chain, cursor.at.block_number)
            numbers = choose_blocks(index, first, cursor.at.block_number, seed)
            progress.on_sample(len(numbers))
            checker = BlockChecker(index, source.chain, source.addresses, cursor.at)
            faults, count = [], 0
            for fault in checker.check(numbers, progress.on_check):
                count += 1
                if count <= FAULTS_KEPT:
                    faults.append(fault)
    return Verification(
        at=cursor.at,
        reread=reread,
        tables_compared=0 if reread.contradiction else len(tables.LEDGER_TABLES),
        tables_different=different,
        seed=seed,
        blocks_checked=len(numbers),
        faults=faults,
        faults_count=count,
    )


def compare_tables(index: Connection, chain: Connection, last_block: int) -> list[TableDifference]:
    """The tables of two indexes that differ in their facts up to a block, and where first."""
    ours, theirs = digest_tables(index, last_block), digest_tables(chain, last_block)
    return [
        first_difference(index, chain, table, last_block)
        for table in tables.LEDGER_TABLES
        if ours[table.name] != theirs[table.name]
    ]


def choose_blocks(connection: Connection, first: int, last: int, seed: int | None) -> Sequence[int]:
    """All blocks from first to last; or, drawn by the seed, as many of those with events and of the
    others as a sample has, or a few less. They ascend."""
    if seed is None:
        return range(first, last + 1)
    with_events = blocks_with_events(connection, first, last)
    draw = random.Random(seed)
    chosen = set(draw.sample(with_events, min(SAMPLED_WITH_EVENTS, len(with_events))))
    every = range(first, last + 1)
    # From all of them, for those with events may be most: some may be drawn twice.
    chosen.update(draw.sample(every, min(SAMPLED_OTHERS, len(every))))
    return sorted(chosen)


def _standing_at(engine: Engine) -> Cursor:
    with engine.connect() as connection:
        cursor = read_cursor(connection)
    if cursor is None:
        raise IndexNotComparable("The index has not read a single block yet: wait, or see its log.")
    return cursor


def _require_same(index: Connection, cursor: Cursor, source: Source) -> None:
    """The facts up to the block are still those that were to be compared."""
    now = read_cursor(index)
    if now is None or now.at.block_number < cursor.at.block_number:
        raise IndexNotComparable(
            f"The index stood at block {cursor.at.block_number} and does not hold it any more: it "
            "is being rebuilt, or blocks were taken back. Ask again when it has caught up."
        )
    header = ask_patiently(partial(source.chain.header, cursor.at.block_number))
    if header.block_hash != cursor.at.block_hash:
        raise BlockReplaced(cursor.at)
