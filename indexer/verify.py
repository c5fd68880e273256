"""Digests of the index, and a rebuild that must give the same one.

A digest is the SHA-256 of a table's rows in the order of its key, as PostgreSQL's COPY prints them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from psycopg import Connection as PsycopgConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Engine

from indexer import tables
from indexer.cursor import Cursor, read_cursor
from indexer.reorg import delete_all_facts
from indexer.runner import Indexer, Source, try_lock

WAIT_SECONDS = 0.1


def digest_tables(connection: Connection) -> dict[str, str]:
    """Table → digest, 64 hexadecimal digits."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, PsycopgConnection)
    digests = {}
    for table in tables.LEDGER_TABLES:
        assert table.schema is not None
        keys = SQL(", ").join(Identifier(column.name) for column in table.primary_key)
        statement = SQL("COPY (SELECT * FROM {} ORDER BY {}) TO STDOUT").format(
            Identifier(table.schema, table.name), keys
        )
        digest = hashlib.sha256()
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for block in copy:
                digest.update(block)
        digests[table.name] = digest.hexdigest()
    return digests


def digest_of_ledger(connection: Connection) -> str:
    """One digest over all tables."""
    lines = [f"{name} {digest}" for name, digest in sorted(digest_tables(connection).items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def rebuild(engine: Engine, source: Source, on_step: Callable[[int], None]) -> str:
    """Empties the index, has the chain read again, and returns the new digest.

    Where an indexer is running, that one reads; otherwise this call does.
    """
    with engine.connect() as lock_connection:
        lock_connection.detach()  # the lock ends with it, not with the pool
        alone = try_lock(lock_connection)
        with engine.begin() as connection:
            before = read_cursor(connection)
            delete_all_facts(connection)
        if alone:
            Indexer(engine, source).catch_up(on_step)
        elif before is not None:
            _wait_for_other(engine, before, on_step)
    with engine.connect() as connection:
        return digest_of_ledger(connection)


def _wait_for_other(engine: Engine, goal: Cursor, on_step: Callable[[int], None]) -> None:
    reached = 0
    while reached < goal.at.block_number:
        time.sleep(WAIT_SECONDS)
        with engine.connect() as connection:
            cursor = read_cursor(connection)
        number = cursor.at.block_number if cursor else 0
        on_step(max(number - reached, 0))
        reached = number
