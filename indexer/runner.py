"""The only loop of the indexer: read a head, take back what is no longer true, add what is new.

Facts, remembered blocks and cursor of one range change in one transaction, so the index survives a
kill at any moment: it is always exactly the chain up to its cursor. While one range is written the
next one is read and decoded.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError

from indexer.audit import Auditor
from indexer.chain import Chain, ChainError, Header
from indexer.cursor import (
    AnotherChain,
    BlockRef,
    Cursor,
    CursorMoved,
    Halted,
    lock_cursor,
    move_cursor,
    read_cursor,
    read_halt,
    record_halt,
    record_heartbeat,
    remember_blocks,
)
from indexer.decode import CONTRACT_EVENTS
from indexer.lookups import build_lookups, drop_lookups_before
from indexer.projections import LogGap, Projector
from indexer.proving import Disproved, Prover
from indexer.queries.stored import first_ended_twice
from indexer.reading import ChainMoved, Reader, Reading
from indexer.reorg import find_common_ancestor, roll_back
from indexer.rereads import Rereads, Unstorable, of_disproved, of_doubled
from indexer.rows import Rows

SHORTER_CHAIN_GRACE_SECONDS = 2.0
ADVISORY_LOCK = 0x50545831
FAILURE_PAUSE_SECONDS = 1.0
SWITCH_SECONDS = 0.000_2
"""A thread that reads from a socket waits for the interpreter at every piece of an answer, with
Python's own 5 ms longer than decoding all of it takes."""
TRANSIENT = (ChainError, ChainMoved, CursorMoved, LogGap, Unstorable)
"""What the next attempt may not meet again."""
NOT_WRITABLE = (OperationalError, InternalError, psycopg.OperationalError, psycopg.InternalError)
"""The server is gone, or its disk is full. COPY speaks to the driver, past SQLAlchemy."""
NOT_STORABLE = (IntegrityError, DataError, psycopg.IntegrityError, psycopg.DataError)
"""No table can hold this."""

logger = structlog.get_logger("indexer")


@dataclass(frozen=True, slots=True)
class Source:
    """What is indexed: a chain, our contracts on it, the first block that can hold their logs, and
    how many blocks after a block nobody may take it back any more."""

    chain: Chain
    addresses: dict[str, bytes]
    first_block: int
    chain_id: int
    finality_blocks: int


class Indexer:
    """Follows one chain into one database."""

    def __init__(self, engine: Engine, source: Source, auditor: Auditor | None = None) -> None:
        self._engine = engine
        self._source = source
        self._projector = Projector(engine, source.addresses)
        self._auditor = auditor or Auditor(source.chain, source.addresses)
        addresses = [source.addresses[name] for name in CONTRACT_EVENTS]
        self._reader = Reader(source.chain, addresses, source.finality_blocks)
        first = max(source.first_block, 1)
        self._prover = Prover(engine, source.chain, source.addresses, first)
        self._rereads = Rereads(engine, source.chain, first, source.finality_blocks)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="indexer")
        sys.setswitchinterval(SWITCH_SECONDS)
        self._behind_since: float | None = None
        self._met = ""
        self._left_at: Cursor | None = None

    @property
    def compared(self) -> BlockRef | None:
        """The block as of which books and contracts said the same last."""
        return self._auditor.compared

    def follow(
        self, stop: threading.Event, poll_seconds: float, on_step: Callable[[int], None]
    ) -> None:
        """Runs until told to stop. One indexer a database: a second one waits for the first.

        Where the index must not guess it stands still, says why, and waits for somebody.
        """
        while not stop.is_set():
            try:
                with self._engine.connect() as lock_connection:
                    lock_connection.detach()  # the lock ends with it, not with the pool
                    self._wait_for_lock(lock_connection, stop)
                    self._follow(stop, poll_seconds, on_step)
            except Halted as halted:
                logger.critical("halted", reason=str(halted))
                self._stand_still(str(halted), stop)
            except NOT_WRITABLE as error:
                _wait_for_database(error, stop)

    def _follow(
        self, stop: threading.Event, poll_seconds: float, on_step: Callable[[int], None]
    ) -> None:
        is_checked = False
        while not stop.is_set():
            try:
                if not is_checked:
                    self.require_same_chain()
                    is_checked = True
                if self.step(stop.is_set, on_step) == 0:
                    on_step(0)
                    if not self.prove(stop.is_set):
                        stop.wait(poll_seconds)
            except TRANSIENT as error:
                logger.warning("chain_not_readable", reason=str(error))
                stop.wait(FAILURE_PAUSE_SECONDS)

    def prove(self, should_stop: Callable[[], bool] = lambda: False) -> bool:
        """Compares some of the blocks that stand in the index with their receipts, and takes back
        what they disprove; whether there is more to do at once."""
        try:
            is_left = self._prover.turn(should_stop)
        except Disproved as found:
            self._projector.forget()
            self._rereads.read_again(of_disproved(found))
            return True
        except TRANSIENT as error:  # the head is followed all the same
            logger.warning("blocks_not_proven", reason=str(error))
            return False
        if not is_left:
            self._rereads.forget()
        return is_left

    def _stand_still(self, reason: str, stop: threading.Event) -> None:
        """Until somebody has rebuilt the index, which takes the halt away."""
        is_recorded = False
        while not stop.is_set():
            try:
                with self._engine.begin() as connection:
                    if not is_recorded:
                        record_halt(connection, reason)
                    elif read_halt(connection) is None:
                        self._rereads.forget()
                        return
                is_recorded = True
                stop.wait(FAILURE_PAUSE_SECONDS)
            except NOT_WRITABLE as error:
                _wait_for_database(error, stop)

    def catch_up(self, on_step: Callable[[int], None] = lambda blocks: None) -> None:
        """Steps until the head is reached."""
        self.require_same_chain()
        while self.step(on_step=on_step):
            pass

    def require_same_chain(self) -> None:
        """Raises AnotherChain unless chain id and genesis are those of the index."""
        chain = self._source.chain
        chain_id = chain.chain_id()
        if chain_id != self._source.chain_id:
            raise AnotherChain(
                f"{chain.name} has chain id {chain_id}, the contracts were deployed on "
                f"{self._source.chain_id}: correct CHAIN_URL."
            )
        genesis = chain.genesis_hash()
        with self._engine.connect() as connection:
            cursor = read_cursor(connection)
        if cursor is not None and (cursor.chain_id, cursor.genesis_hash) != (chain_id, genesis):
            raise AnotherChain(
                f"The index was made from genesis 0x{cursor.genesis_hash.hex()}, the chain's is "
                f"0x{genesis.hex()}: correct CHAIN_URL or start with an empty database."
            )

    def step(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        on_step: Callable[[int], None] = lambda blocks: None,
    ) -> int:
        """Goes to the chain's head; returns how many blocks the cursor moved (backwards counts,
        too)."""
        head = self._source.chain.head()
        with self._engine.connect() as connection:
            cursor = read_cursor(connection)
        if cursor != self._left_at:  # a rebuild or another indexer has moved it
            self._projector.forget()
        if cursor is None:
            cursor = self._start_cursor()
        elif not self._is_canonical(cursor, head):
            return self._take_back(cursor)
        if head.block_number < cursor.at.block_number:
            return self._wait_or_take_back(cursor, head)
        self._behind_since = None
        if head.block_number > cursor.at.block_number:
            try:
                return self._advance(cursor, head, should_stop, on_step)
            except (LogGap, Unstorable) as met:
                return self._meet(met)
        return self._stand_at_head()

    def _stand_at_head(self) -> int:
        try:
            with self._engine.begin() as connection:
                build_lookups(connection)
                if self._prover.doubted is None:
                    record_heartbeat(connection)
        except IntegrityError:
            with self._engine.connect() as connection:
                doubled = first_ended_twice(connection)
            if doubled is None:
                raise
            self._projector.forget()
            return self._rereads.read_again(of_doubled(*doubled))
        return 0

    def _start_cursor(self) -> Cursor:
        """Stands before the first block of ours, by the hash that this block names its parent."""
        first = self._source.chain.header(max(self._source.first_block, 1))
        before = BlockRef(first.block_number - 1, first.parent_block_hash, first.block_time)
        cursor = Cursor(self._source.chain_id, self._source.chain.genesis_hash(), before)
        with self._engine.begin() as connection:
            move_cursor(connection, cursor)
            remember_blocks(connection, [cursor.at], self._source.finality_blocks)
        return cursor

    def _is_canonical(self, cursor: Cursor, head: Header) -> bool:
        if head.block_number < cursor.at.block_number:
            with self._engine.connect() as connection:
                ancestor = find_common_ancestor(connection, self._source.chain)
            return ancestor.block_hash == head.block_hash
        if head.block_number == cursor.at.block_number:
            return head.block_hash == cursor.at.block_hash
        following = self._source.chain.headers([cursor.at.block_number + 1])[0]
        return following is None or following.parent_block_hash == cursor.at.block_hash

    def _wait_or_take_back(self, cursor: Cursor, head: Header) -> int:
        """A head that is merely behind may be a lagging node; one that stays behind is a chain that
        came back shorter after a crash."""
        now = time.monotonic()
        self._behind_since = self._behind_since or now
        if now - self._behind_since < SHORTER_CHAIN_GRACE_SECONDS:
            return 0
        logger.warning("chain_shorter", head=head.block_number, cursor=cursor.at.block_number)
        self._behind_since = None
        return self._take_back(cursor)

    def _take_back(self, cursor: Cursor) -> int:
        with self._engine.begin() as connection:
            lock_cursor(connection, cursor)
            ancestor = find_common_ancestor(connection, self._source.chain)
            rows = roll_back(connection, cursor, ancestor)
        self._projector.forget()
        depth = cursor.at.block_number - ancestor.block_number
        logger.warning("rolled_back", to_block=ancestor.block_number, depth=depth, rows=rows)
        return depth

    def _meet(self, met: LogGap | Unstorable) -> int:
        """Raises what is new, or met in a range that can be shorter: the next reading may be whole.
        What is met twice was left by an earlier range, which is read again."""
        can_be_shorter = isinstance(met, Unstorable) and self._reader.halve(met.blocks)
        if can_be_shorter or str(met) != self._met:
            self._met = str(met)
            raise met
        self._met = ""
        self._projector.forget()
        taken_back = self._rereads.read_again(self._rereads.explain(met))
        if not taken_back:
            raise met
        return taken_back

    def _advance(
        self,
        cursor: Cursor,
        head: Header,
        should_stop: Callable[[], bool],
        on_step: Callable[[int], None],
    ) -> int:
        """Range after range up to the head: reads one while it writes the one before."""
        started_at = cursor.at.block_number
        source = self._source
        drop_lookups_before(self._engine, source.chain, source.addresses, cursor, head)
        writing: Future[None] | None = None
        readings = self._reader.readings(cursor.at, head)
        reading: Future[Reading] | None = self._threads.submit(next, readings)
        try:
            while reading is not None:
                found = reading.result()
                is_last = found.last.block_number == head.block_number or should_stop()
                reading = None if is_last else self._threads.submit(next, readings)
                rows = self._projector.project(found.logs, found.blocks)
                if writing is not None:
                    writing.result()
                writing = self._threads.submit(self._write, cursor, found, rows, head)
                on_step(found.last.block_number - cursor.at.block_number)
                cursor = Cursor(cursor.chain_id, cursor.genesis_hash, found.last)
            assert writing is not None
            writing.result()
            self._left_at, self._met = cursor, ""
        except BaseException:
            self._projector.forget()  # it may know of rows that were not written
            for future in (reading, writing):
                if future is not None and not future.cancel():
                    future.exception()
            raise
        finally:
            readings.close()
        return cursor.at.block_number - started_at

    def _write(self, cursor: Cursor, reading: Reading, rows: Rows, head: Header) -> None:
        last, is_head = reading.last, reading.last.block_number == head.block_number
        try:
            with self._engine.begin() as connection:
                lock_cursor(connection, cursor)
                rows.copy_to(connection)
                self._auditor.require_equal(connection, cursor.at, last, is_head)
                remember_blocks(connection, reading.recent, self._source.finality_blocks)
                move_cursor(connection, Cursor(cursor.chain_id, cursor.genesis_hash, last))
        except NOT_STORABLE as error:
            first = cursor.at.block_number + 1
            raise Unstorable(first, last.block_number, error) from error

    def _wait_for_lock(self, connection: Connection, stop: threading.Event) -> None:
        """Raises AnotherChain at once: it would be waited for in vain."""
        is_checked = False
        while not stop.is_set() and not try_lock(connection):
            try:
                if not is_checked:
                    self.require_same_chain()
                    is_checked = True
                    logger.info("another_indexer_is_running")
            except TRANSIENT as error:
                logger.warning("chain_not_readable", reason=str(error))
            stop.wait(FAILURE_PAUSE_SECONDS)


def _wait_for_database(error: Exception, stop: threading.Event) -> None:
    """Raises the alarm; nothing of the range was written."""
    logger.critical("database_not_writable", reason=str(getattr(error, "orig", error)))
    stop.wait(FAILURE_PAUSE_SECONDS)


def try_lock(connection: Connection) -> bool:
    """Takes the lock that only one indexer of a database holds, as long as the connection lives."""
    statement = text("SELECT pg_try_advisory_lock(:key)")
    taken = bool(connection.execute(statement, {"key": ADVISORY_LOCK}).scalar_one())
    connection.commit()
    return taken
