"""A database beside the index's own, for as long as a check takes: created, migrated, dropped.

It is dropped after an error and after Ctrl-C, too; what a kill -9 leaves behind, the next one
removes. Its name says which database it belongs to, and whoever works in it holds a lock of that
name, so nobody removes what another still needs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

OWN_PREFIX = text(
    "SELECT 'ptx_verify_' || oid || '_' FROM pg_database WHERE datname = current_database()"
)
LEFT_OVER = text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)")
TRY_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
MAY_BE_LOST = {"options": "-c synchronous_commit=off"}


class MayNotCreateDatabases(Exception):
    """The role of DATABASE_URL has no right to create the database that is needed."""


@contextmanager
def scratch_database(engine: Engine, migrate: Callable[[Engine], None]) -> Iterator[Engine]:
    """A migrated, empty database on the engine's server, gone after the block.

    Raises MayNotCreateDatabases.
    """
    server = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        prefix = connection.execute(OWN_PREFIX).scalar_one()
        for name in connection.scalars(LEFT_OVER, {"prefix": prefix}).all():
            if connection.execute(TRY_LOCK, {"name": name}).scalar_one():
                _drop(connection, name)
        name = prefix + secrets.token_hex(6)
        connection.execute(TRY_LOCK, {"name": name})
        try:
            _create(connection, name)
            url = engine.url.set(database=name)
            scratch = create_engine(url, pool_size=4, connect_args=MAY_BE_LOST)
            try:
                migrate(scratch)
                yield scratch
            finally:
                scratch.dispose()
        finally:
            with server.connect() as last:
                _drop(last, name)


def _create(connection: Connection, name: str) -> None:
    try:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        role = connection.execute(text("SELECT current_user")).scalar_one()
        raise MayNotCreateDatabases(
            f"The role {role} of DATABASE_URL may not create the database in which the chain is "
            f'read again. Let it: ALTER ROLE "{role}" CREATEDB; or name a role that may.'
        ) from error


def _drop(connection: Connection, name: str) -> None:
    connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
