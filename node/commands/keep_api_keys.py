"""API keys of an organisation: made, listed, rotated, revoked.

A key is shown once. Nobody makes one that may do more, or lives longer, than the one who makes it;
and one key or person who can let others in must always be left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api_keys import TOKEN_ID_BYTES, hash_api_key, new_api_key
from node.commands.keep_access import lock_access, require_manager_left, require_within
from node.permissions import Grant
from node.problems import Problem, not_found
from protocol.types import to_hex

API_KEYS_MAX = 100


async def create_api_key(
    connection: AsyncConnection, organisation_id: bytes, maker: Grant, label: str, grant: Grant
) -> tuple[Any, str]:
    """The new key's row and the key itself. Raises a problem for more than the maker has, for an
    end that is past, or when the organisation has enough."""
    require_within(maker, grant)
    await lock_access(connection, organisation_id)
    count = select(func.count()).select_from(tables.api_keys).where(_in_force())
    if (await connection.execute(count)).scalar_one() >= API_KEYS_MAX:
        raise Problem.of("access-limit", f"The organisation has {API_KEYS_MAX} keys in force.")
    key = new_api_key()
    row = await connection.execute(
        insert(tables.api_keys)
        .values(
            key_hash=hash_api_key(key),
            organisation_id=organisation_id,
            role=grant.role,
            areas=None if grant.areas is None else sorted(grant.areas),
            label=label,
            expires_at=grant.expires_at,
        )
        .returning(tables.api_keys)
    )
    return row.one(), key


async def list_api_keys(connection: AsyncConnection) -> Sequence[Any]:
    """Those of the current organisation that are in force, the oldest first."""
    keys = tables.api_keys
    statement = select(keys).where(_in_force()).order_by(keys.c.created_at, keys.c.key_hash)
    return (await connection.execute(statement)).all()


async def rotate_api_key(
    connection: AsyncConnection,
    organisation_id: bytes,
    maker: Grant,
    key_id: bytes,
    overlap_seconds: int,
    expires_at: datetime | None,
) -> tuple[Any, str]:
    """A new key in place of another, which works on for the overlap and no longer. It may do the
    same, and ends at the same time unless another is given."""
    keys = tables.api_keys
    await lock_access(connection, organisation_id)
    old = (await connection.execute(select(keys).where(_has_id(key_id), _in_force()))).one_or_none()
    if old is None:
        raise _unknown(key_id)
    areas = None if old.areas is None else frozenset(old.areas)
    grant = Grant(old.role, areas, expires_at or old.expires_at)
    row, key = await create_api_key(connection, organisation_id, maker, old.label, grant)
    retires = func.least(
        keys.c.retires_at, func.clock_timestamp() + literal(timedelta(seconds=overlap_seconds))
    )
    await connection.execute(
        update(keys).where(keys.c.key_hash == old.key_hash).values(retires_at=retires)
    )
    return row, key


async def revoke_api_key(
    connection: AsyncConnection, organisation_id: bytes, key_id: bytes
) -> None:
    """Takes a key away at once. Raises a problem for a key that is not the organisation's, or if
    nobody would be left who can let others in."""
    await lock_access(connection, organisation_id)
    gone = await connection.execute(delete(tables.api_keys).where(_has_id(key_id)))
    if gone.rowcount == 0:
        raise _unknown(key_id)
    await require_manager_left(connection)


def _has_id(key_id: bytes) -> ColumnElement[bool]:
    return func.substr(tables.api_keys.c.key_hash, 1, TOKEN_ID_BYTES) == key_id


def _in_force() -> ColumnElement[bool]:
    keys = tables.api_keys
    ends = func.coalesce(func.least(keys.c.expires_at, keys.c.retires_at), FAR)
    return ends > func.clock_timestamp()


FAR = datetime.max.replace(tzinfo=UTC)


def _unknown(key_id: bytes) -> Problem:
    remedy = "GET /v1/api-keys lists those of the organisation."
    return not_found("api-key", to_hex(key_id), remedy)
