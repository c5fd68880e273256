"""Sessions of an organisation's people: opened, listed, ended. Their tokens are kept as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api_keys import SESSION_PREFIX, TOKEN_ID_BYTES, hash_api_key, new_token
from node.db import act_as
from node.problems import Problem, not_found
from protocol.types import to_hex


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just begun; `token` is known to nobody else."""

    token: str
    organisation_id: bytes
    person_id: bytes | None
    address: bytes | None
    expires_at: datetime


async def open_session(
    connection: AsyncConnection,
    organisation_id: bytes,
    person_id: bytes | None,
    address: bytes | None,
    hours: int,
) -> OpenedSession:
    """A new session of a person, or, without one, of an account that manages the organisation."""
    sessions = tables.person_sessions
    await act_as(connection, organisation_id)
    await connection.execute(delete(sessions).where(sessions.c.expires_at < func.clock_timestamp()))
    token, expires_at = new_token(SESSION_PREFIX), datetime.now(UTC) + timedelta(hours=hours)
    await connection.execute(
        insert(sessions).values(
            token_hash=hash_api_key(token),
            organisation_id=organisation_id,
            person_id=person_id,
            address=address,
            expires_at=expires_at,
        )
    )
    return OpenedSession(token, organisation_id, person_id, address, expires_at)


async def list_sessions(connection: AsyncConnection, idle_minutes: int) -> Sequence[Any]:
    """Those of the current organisation that can be used, the oldest first."""
    sessions = tables.person_sessions
    now = func.clock_timestamp()
    statement = (
        select(sessions)
        .where(sessions.c.expires_at > now)
        .where(sessions.c.last_seen_at > now - timedelta(minutes=idle_minutes))
        .order_by(sessions.c.started_at, sessions.c.token_hash)
    )
    return (await connection.execute(statement)).all()


async def end_session(connection: AsyncConnection, session_id: bytes) -> None:
    """Raises a problem for a session that is not the organisation's."""
    sessions = tables.person_sessions
    named = func.substr(sessions.c.token_hash, 1, TOKEN_ID_BYTES) == session_id
    if (await connection.execute(delete(sessions).where(named))).rowcount == 0:
        remedy = "GET /v1/sessions lists those of the organisation."
        raise not_found("session", to_hex(session_id), remedy)


async def end_own_session(connection: AsyncConnection, session: bytes | None) -> None:
    """Ends the caller's session. Raises a problem for a caller who has none: a machine."""
    if session is None:
        raise Problem.of("no-session")
    sessions = tables.person_sessions
    await connection.execute(delete(sessions).where(sessions.c.token_hash == session))
