"""Connections to the database, each under the least role that does its work.

The roles own no table, so PostgreSQL's row-level security holds for them. What a connection may see
is set for one transaction: an organisation, or the one-time keys that a learner has proven.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

API_ROLE = "ptx_api"
SENDER_ROLE = "ptx_sender"
INDEXER_ROLE = "ptx_indexer"
WEBHOOKS_ROLE = "ptx_webhooks"

STATEMENT_TIMEOUT_MILLISECONDS = 15_000

Result = TypeVar("Result")


def owner_engine(url: str) -> Engine:
    """The role that owns the tables: migrations and administration only."""
    return create_engine(url, pool_size=1, max_overflow=4)


def role_engine(url: str, role: str) -> Engine:
    """Synchronous connections under a role."""
    options = f"-c role={role}"
    return create_engine(url, connect_args={"options": options}, pool_size=4, hide_parameters=True)


def async_engine(url: str, role: str, pool_size: int) -> AsyncEngine:
    """Asynchronous connections under a role."""
    options = f"-c role={role} -c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS}"
    return create_async_engine(
        url,
        connect_args={"options": options},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=15,
        hide_parameters=True,  # no error tells what a statement was given
    )


def api_engine(url: str) -> AsyncEngine:
    """Asynchronous connections of the API."""
    return async_engine(url, API_ROLE, 16)


def snapshots(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, whose transactions see the database as it was at one moment."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


def single_statements(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, on which each statement is a transaction of its own."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


async def act_as(connection: AsyncConnection, organisation_id: bytes) -> None:
    """Limits the rest of the transaction to one organisation's rows."""
    await _set(connection, "ptx.organisation", organisation_id.hex())


async def see_holders(connection: AsyncConnection, holders: Collection[bytes]) -> None:
    """Lets the rest of the transaction read consents of these proven holders."""
    await _set(connection, "ptx.holders", ",".join(holder.hex() for holder in holders))


LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0))"
    " FROM unnest(CAST(:names AS text[])) AS name"
)


async def lock(connection: AsyncConnection, *names: str) -> None:
    """Makes whoever else locks one of the names wait until this transaction ends. Several are to be
    locked by one call, which has one order for all callers, so that no two wait for each other."""
    await connection.execute(LOCK, {"names": sorted(names)})


async def _set(connection: AsyncConnection, name: str, value: str) -> None:
    statement = text("SELECT set_config(:name, :value, true)")
    await connection.execute(statement, {"name": name, "value": value})


async def query(
    connection: AsyncConnection, read: Callable[..., Result], *arguments: Any
) -> Result:
    """Runs one of `indexer.queries` on an asynchronous connection."""
    return await connection.run_sync(_call, read, arguments)


def _call(
    connection: Connection, read: Callable[..., Result], arguments: tuple[Any, ...]
) -> Result:
    return read(connection, *arguments)


def bytea_array(values: Iterable[bytes]) -> str:
    """As PostgreSQL writes it, which it reads faster than psycopg makes an array of a list."""
    return "{" + ",".join(['"\\\\x' + value.hex() + '"' for value in values]) + "}"
