"""What holds for keys and people alike: nobody gives more than they have, and somebody is left who
can let others in."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.db import lock
from node.permissions import MANAGES_ACCESS, Grant
from node.problems import Problem


async def lock_access(connection: AsyncConnection, organisation_id: bytes) -> None:
    """One change of an organisation's keys and people at a time."""
    await lock(connection, f"access:{organisation_id.hex()}")


def require_within(maker: Grant, grant: Grant) -> None:
    """Raises a problem unless the maker has all of the grant, and for an end that is past."""
    if grant.expires_at is not None and grant.expires_at <= datetime.now(UTC):
        detail = f"{int(grant.expires_at.timestamp())} is past."
        raise Problem.of("request-invalid", detail, "Send a time to come.").about("expiresAt")
    if not maker.covers(grant):
        surplus = ", ".join(sorted(grant.rights - maker.rights)) or "a longer life"
        raise Problem.of("grant-too-wide", f"The caller does not have itself: {surplus}.")


async def require_manager_left(connection: AsyncConnection) -> None:
    """Raises a problem if no key in force and no person of the current organisation can let others
    in. A key that has been rotated counts no more: its successor does."""
    keys, people = tables.api_keys, tables.people
    now = datetime.now(UTC)
    kept = select(keys.c.role, keys.c.areas).where(
        keys.c.retires_at.is_(None), keys.c.expires_at.is_(None) | (keys.c.expires_at > now)
    )
    joined = select(people.c.role, people.c.areas).where(people.c.joined_at.is_not(None))
    for row in (await connection.execute(kept.union_all(joined))).all():
        areas = None if row.areas is None else frozenset(row.areas)
        if MANAGES_ACCESS in Grant(row.role, areas).rights:
            return
    raise Problem.of("last-admin")
