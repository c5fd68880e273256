"""The only loop of the indexer: read a head, take back what is no longer true, add what is new.

Facts, remembered blocks and cursor of one range change in one transaction, so the index survives a
kill at any moment: it is always exactly the chain up to its cursor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine, text

from indexer.chain import Chain, ChainRefused, ChainUnreachable, Header, Log
from indexer.cursor import (
    WINDOW_BLOCKS,
    AnotherChain,
    BlockRef,
    Cursor,
    CursorMoved,
    lock_cursor,
    move_cursor,
    read_cursor,
    record_heartbeat,
    remember_blocks,
)
from indexer.decode import Decoder
from indexer.projections import Projector
from indexer.reorg import find_common_ancestor, roll_back

RANGE_BLOCKS_MAX = 1_000
HEADERS_PER_REQUEST = 100
SHORTER_CHAIN_GRACE_SECONDS = 2.0
ADVISORY_LOCK = 0x50545831
FAILURE_PAUSE_SECONDS = 1.0

logger = structlog.get_logger("indexer")


class ChainMoved(Exception):
    """Blocks and logs of one reading do not belong together: read again."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is indexed: a chain, our contracts on it, the first block that can hold their logs."""

    chain: Chain
    addresses: dict[str, bytes]
    first_block: int
    chain_id: int


class Indexer:
    """Follows one chain into one database."""

    def __init__(self, engine: Engine, source: Source) -> None:
        self._engine = engine
        self._source = source
        self._decoder = Decoder(source.addresses)
        self._projector = Projector(source.addresses)
        self._behind_since: float | None = None

    def follow(
        self, stop: threading.Event, poll_seconds: float, on_step: Callable[[int], None]
    ) -> None:
        """Runs until told to stop. One indexer a database: a second one waits for the first."""
        with self._engine.connect() as lock_connection:
            lock_connection.detach()  # the lock ends with it, not with the pool
            self._wait_for_lock(lock_connection, stop)
            self.require_same_chain()
            while not stop.is_set():
                try:
                    moved = self.step()
                    on_step(moved)
                except (ChainUnreachable, ChainRefused, ChainMoved, CursorMoved) as error:
                    logger.warning("chain_not_readable", reason=str(error))
                    stop.wait(FAILURE_PAUSE_SECONDS)
                    continue
                if moved == 0:
                    stop.wait(poll_seconds)

    def catch_up(self, on_step: Callable[[int], None] = lambda blocks: None) -> None:
        """Steps until the head is reached."""
        self.require_same_chain()
        while moved := self.step():
            on_step(moved)

    def require_same_chain(self) -> None:
        """Raises AnotherChain unless chain id and genesis are those of the index."""
        chain_id = self._source.chain.chain_id()
        if chain_id != self._source.chain_id:
            raise AnotherChain(
                f"{self._source.chain.url} has chain id {chain_id}, the contracts were deployed on "
                f"{self._source.chain_id}: correct CHAIN_URL."
            )
        genesis = self._source.chain.genesis_hash()
        with self._engine.connect() as connection:
            cursor = read_cursor(connection)
        if cursor is not None and (cursor.chain_id, cursor.genesis_hash) != (chain_id, genesis):
            raise AnotherChain(
                f"The index was made from genesis 0x{cursor.genesis_hash.hex()}, the chain's is "
                f"0x{genesis.hex()}: correct CHAIN_URL or start with an empty database."
            )

    def step(self) -> int:
        """Reads once; returns how many blocks the cursor moved (backwards counts, too)."""
        head = self._source.chain.head()
        with self._engine.connect() as connection:
            cursor = read_cursor(connection)
        if cursor is None:
            cursor = self._start_cursor()
        elif not self._is_canonical(cursor, head):
            return self._take_back(cursor)
        if head.block_number < cursor.at.block_number:
            return self._wait_or_take_back(cursor, head)
        self._behind_since = None
        if head.block_number == cursor.at.block_number:
            with self._engine.begin() as connection:
                record_heartbeat(connection)
            return 0
        last = min(head.block_number, cursor.at.block_number + RANGE_BLOCKS_MAX)
        self._add_range(cursor, last, head)
        return last - cursor.at.block_number

    def _start_cursor(self) -> Cursor:
        """Stands before the first block of ours, by the hash that this block names its parent."""
        first = self._source.chain.header(max(self._source.first_block, 1))
        before = BlockRef(first.block_number - 1, first.parent_block_hash, first.block_time)
        cursor = Cursor(self._source.chain_id, self._source.chain.genesis_hash(), before)
        with self._engine.begin() as connection:
            move_cursor(connection, cursor)
            remember_blocks(connection, [cursor.at])
        return cursor

    def _is_canonical(self, cursor: Cursor, head: Header) -> bool:
        if head.block_number < cursor.at.block_number:
            with self._engine.connect() as connection:
                ancestor = find_common_ancestor(connection, self._source.chain)
            return ancestor.block_hash == head.block_hash
        if head.block_number == cursor.at.block_number:
            return head.block_hash == cursor.at.block_hash
        following = self._source.chain.headers([cursor.at.block_number + 1])[0]
        return following is not None and following.parent_block_hash == cursor.at.block_hash

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

    def _add_range(self, cursor: Cursor, last: int, head: Header) -> None:
        first = cursor.at.block_number + 1
        addresses = ["0x" + address.hex() for address in self._source.addresses.values()]
        logs = self._source.chain.logs(first, last, addresses)
        blocks = self._read_blocks(cursor, last, head, logs)
        decoded = (self._decoder.decode(log, blocks[int(log.block_number, 16)]) for log in logs)
        events = [event for event in decoded if event is not None]
        with self._engine.begin() as connection:
            lock_cursor(connection, cursor)
            self._projector.project(connection, events)
            recent = [block for number, block in blocks.items() if number > last - WINDOW_BLOCKS]
            remember_blocks(connection, recent)
            move_cursor(connection, Cursor(cursor.chain_id, cursor.genesis_hash, blocks[last]))

    def _read_blocks(
        self, cursor: Cursor, last: int, head: Header, logs: list[Log]
    ) -> dict[int, BlockRef]:
        """Blocks that carry logs, and all of the recent ones; checks that they hang together."""
        first = cursor.at.block_number + 1
        recent = range(max(first, last - WINDOW_BLOCKS), last + 1)
        wanted = sorted({int(entry.block_number, 16) for entry in logs} | set(recent))
        headers: dict[int, Header] = {}
        for start in range(0, len(wanted), HEADERS_PER_REQUEST):
            numbers = wanted[start : start + HEADERS_PER_REQUEST]
            for number, header in zip(numbers, self._source.chain.headers(numbers), strict=True):
                if header is None:
                    raise ChainMoved(f"block {number} is gone (head was {head.block_number})")
                headers[number] = header
        for number, header in headers.items():
            known_parent = (
                cursor.at.block_hash
                if number == first
                else headers[number - 1].block_hash
                if number - 1 in headers
                else None
            )
            if known_parent is not None and header.parent_block_hash != known_parent:
                raise ChainMoved(f"block {number} does not follow block {number - 1}")
        for entry in logs:
            block = headers[int(entry.block_number, 16)]
            if entry.removed or entry.block_hash != block.hash:
                raise ChainMoved(f"a log of block {block.block_number} is of another block")
        return {number: _ref(header) for number, header in headers.items()}

    def _wait_for_lock(self, connection: Connection, stop: threading.Event) -> None:
        waiting = False
        while not stop.is_set():
            if try_lock(connection):
                return
            if not waiting:
                logger.info("another_indexer_is_running")
                waiting = True
            stop.wait(FAILURE_PAUSE_SECONDS)


def try_lock(connection: Connection) -> bool:
    """Takes the lock that only one indexer of a database holds, as long as the connection lives."""
    statement = text("SELECT pg_try_advisory_lock(:key)")
    taken = bool(connection.execute(statement, {"key": ADVISORY_LOCK}).scalar_one())
    connection.commit()
    return taken


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.block_number, header.block_hash, header.block_time)
