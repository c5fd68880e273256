"""Whatever the chain does and wherever a reader stops: in the end it knows exactly what is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, text

from indexer import tables
from indexer.cursor import BlockRef, Cursor, move_cursor
from indexer.reorg import roll_back
from protocol.events import ConsentEnded, StopEnded, Stopped
from tests.indexer.feed_reader import FeedReader, current_ids
from tests.own_chain import OwnDatabase

KINDS = (StopEnded, Stopped, ConsentEnded)
GENESIS = BlockRef(0, b"genesis", 0)


@dataclass(slots=True)
class Index:
    """An index that is written without a chain: blocks of events, and roll-backs."""

    engine: Engine
    blocks: list[BlockRef] = field(default_factory=lambda: [GENESIS])
    written: int = 0

    def append(self, kinds: list[int]) -> None:
        number, self.written = len(self.blocks), self.written + 1
        block = BlockRef(number, hashlib.sha256(b"%d" % self.written).digest(), number)
        with self.engine.begin() as connection:
            if kinds:
                self._add_facts(connection, block, kinds)
            move_cursor(connection, self._cursor(block))
        self.blocks.append(block)

    def _add_facts(self, connection: Connection, block: BlockRef, kinds: list[int]) -> None:
        place = {"block_number": block.block_number}
        values: Any = {**place, "block_hash": block.block_hash, "block_time": block.block_time}
        connection.execute(insert(tables.blocks).values(values))
        transaction = {**place, "log_index": 0, "transaction_hash": block.block_hash}
        connection.execute(insert(tables.transactions).values(transaction))
        for log_index, kind in enumerate(kinds):
            row: Any = {**place, "log_index": log_index}
            if KINDS[kind] is Stopped:
                row["until"] = self.written
            elif KINDS[kind] is ConsentEnded:
                leaf = hashlib.sha256(b"%d-%d" % (self.written, log_index)).digest()
                row |= {"who": bytes(20), "leaf": leaf}
            connection.execute(insert(tables.EVENT_TABLES[KINDS[kind]]).values(row))

    def take_back(self, depth: int) -> None:
        kept = max(len(self.blocks) - depth, 1)
        with self.engine.begin() as connection:
            roll_back(connection, self._cursor(self.blocks[-1]), self.blocks[kept - 1])
        del self.blocks[kept:]

    def _cursor(self, at: BlockRef) -> Cursor:
        return Cursor(1, b"genesis", at)


APPEND = st.tuples(st.just("append"), st.lists(st.integers(0, 2), max_size=3))
TAKE_BACK = st.tuples(st.just("take back"), st.integers(1, 4))
READ = st.tuples(st.just("read"), st.tuples(st.integers(0, 1), st.integers(1, 3)))
"""One page by one of the readers, of so many messages; between pages anything may happen."""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(APPEND, APPEND, TAKE_BACK, READ, READ), max_size=40))
def test_messages_applied_in_order_give_exactly_what_is(
    own_database: OwnDatabase, steps: list[tuple[str, Any]]
) -> None:
    engine = own_database.owner
    every = ", ".join(table.fullname for table in tables.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {every}"))
    index = Index(engine)
    index.append([])
    names = frozenset({"Stopped", "ConsentEnded"})
    readers = [FeedReader(engine), FeedReader(engine, names=names)]
    final = FeedReader(engine, final_only=True)
    for step, value in steps:
        if step == "append":
            index.append(value)
        elif step == "take back":
            index.take_back(value)
        else:
            reader, limit = value
            readers[reader].read(limit)
    final.read_all(2)
    for reader in readers:
        reader.read_all(2)
    now = current_ids(engine)
    assert set(readers[0].known) == now
    assert set(readers[1].known) == {
        event_id for event_id, event in current(engine).items() if event.name in names
    }
    assert set(final.known) == {
        event_id
        for event_id, event in current(engine).items()
        if event.place.block_number <= len(index.blocks) - 1 - final.wanted.finality_blocks
    }


def current(engine: Engine) -> dict[str, Any]:
    newcomer = FeedReader(engine)
    newcomer.read_all()
    return newcomer.known
