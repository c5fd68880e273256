"""Digests of the index, and a rebuild that must give the same one.

A digest is the SHA-256 of a table's rows in the order of its key, as PostgreSQL's COPY prints them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from psycopg import Connection as PsycopgConnection
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Connection, Engine, Table

from indexer import tables
from indexer.cursor import Cursor, Halted, hold_cursor, read_cursor, read_halt
from indexer.reorg import delete_all_facts
from indexer.runner import Indexer, Source, try_lock

WAIT_SECONDS = 0.1
BLOCK_NUMBER_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A table of which two indexes hold other rows: the first block at which they do, and the row
    of each there as COPY prints it, None for none left."""

    table: str
    first_block: int
    index_row: str | None
    chain_row: str | None


def digest_tables(
    connection: Connection, block_number_max: int = BLOCK_NUMBER_MAX
) -> dict[str, str]:
    """Table → digest, 64 hexadecimal digits, of the facts up to a block."""
    digests = {}
    for table in tables.LEDGER_TABLES:
        digest = hashlib.sha256()
        for row in _copied_rows(connection, table, block_number_max):
            digest.update(row)
        digests[table.name] = digest.hexdigest()
    return digests


def first_difference(
    index: Connection, chain: Connection, table: Table, block_number_max: int
) -> TableDifference:
    """The first place at which the rows of two indexes, which have other digests, differ."""
    column = [each.name for each in table.columns].index("block_number")
    pairs = zip_longest(
        *(_copied_rows(connection, table, block_number_max) for connection in (index, chain))
    )
    found = None
    for pair in pairs:  # to their end, since a COPY that is broken off aborts the transaction
        if found is None and pair[0] != pair[1]:
            found = pair
    assert found is not None, f"the rows of {table.name} are the same"
    ours, theirs = found
    blocks = [int(row.split(b"\t")[column]) for row in (ours, theirs) if row is not None]
    return TableDifference(table.name, min(blocks), *map(_as_text, (ours, theirs)))


def _copied_rows(connection: Connection, table: Table, block_number_max: int) -> Iterator[bytes]:
    """The rows of a table up to a block in the order of its key, each as COPY prints it."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, PsycopgConnection)
    assert table.schema is not None
    key = list(table.primary_key) or [table.columns[0]]
    keys = SQL(", ").join(Identifier(column.name) for column in key)
    statement = SQL(
        "COPY (SELECT * FROM {} WHERE block_number <= {} ORDER BY {}) TO STDOUT"
    ).format(Identifier(table.schema, table.name), Literal(block_number_max), keys)
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in copy:
            yield bytes(row)


def _as_text(row: bytes | None) -> str | None:
    return None if row is None else row.decode(errors="replace").rstrip("\n")


def digest_of_ledger(connection: Connection, block_number_max: int = BLOCK_NUMBER_MAX) -> str:
    """One digest over all tables."""
    digests = digest_tables(connection, block_number_max)
    lines = [f"{name} {digest}" for name, digest in sorted(digests.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def rebuild(engine: Engine, source: Source, on_step: Callable[[int], None]) -> tuple[str, str]:
    """Empties the index and has the chain read again; the digests before and after, both of the
    facts up to the block that the index had reached, so that a chain may go on meanwhile.

    Where an indexer is running, that one reads; otherwise this call does. Raises Halted where it
    stands still again, and what TRANSIENT names.
    """
    with engine.connect() as lock_connection:
        lock_connection.detach()  # the lock ends with it, not with the pool
        alone = try_lock(lock_connection)
        with engine.begin() as connection:
            cursor = hold_cursor(connection)
            last = cursor.at.block_number if cursor else BLOCK_NUMBER_MAX
            before = digest_of_ledger(connection, last)
            delete_all_facts(connection)
        if alone:
            Indexer(engine, source).catch_up(on_step)
        elif cursor is not None:
            _wait_for_other(engine, cursor, on_step)
    with engine.connect() as connection:
        return before, digest_of_ledger(connection, last)


def _wait_for_other(engine: Engine, goal: Cursor, on_step: Callable[[int], None]) -> None:
    reached = 0
    while reached < goal.at.block_number:
        time.sleep(WAIT_SECONDS)
        with engine.connect() as connection:
            cursor, halt = read_cursor(connection), read_halt(connection)
        if halt is not None:
            raise Halted(halt)
        number = cursor.at.block_number if cursor else 0
        on_step(max(number - reached, 0))
        reached = number
