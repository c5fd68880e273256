"""People of an organisation: invited, listed, given another role, removed.

Nothing says who a person is but the label that the organisation gave, which is sealed; an address
or a passkey is what the person signs in with.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api_keys import INVITATION_PREFIX, hash_api_key, new_token
from node.commands.keep_access import lock_access, require_manager_left, require_within
from node.db import act_as
from node.permissions import Grant
from node.problems import Problem, not_found
from node.sealing import SealedRecord, seal, unseal
from protocol.types import to_hex

PEOPLE_MAX = 1_000
PERSON_ID_BYTES = 16
PERSON_INVITED = text("SELECT organisation_id, person_id FROM node.person_invited(:asked)")


@dataclass(frozen=True, slots=True)
class Invited:
    """Who an invitation is for."""

    organisation_id: bytes
    person_id: bytes


async def invite_person(
    connection: AsyncConnection,
    organisation_id: bytes,
    maker: Grant,
    label: str,
    grant: Grant,
    valid_seconds: int,
    master_key: bytes,
) -> tuple[Any, str]:
    """The person's row and an invitation, which is shown once and serves once. A person has no end,
    so a key that has one invites nobody."""
    require_within(maker, grant)
    await lock_access(connection, organisation_id)
    count = select(func.count()).select_from(tables.people)
    if (await connection.execute(count)).scalar_one() >= PEOPLE_MAX:
        raise Problem.of("access-limit", f"The organisation has {PEOPLE_MAX} people.")
    person_id, invitation = secrets.token_bytes(PERSON_ID_BYTES), new_token(INVITATION_PREFIX)
    sealed = seal(label.encode(), person_id, master_key)
    row = await connection.execute(
        insert(tables.people)
        .values(
            person_id=person_id,
            organisation_id=organisation_id,
            role=grant.role,
            areas=_stored(grant),
            sealed_label=sealed.ciphertext,
            wrapped_key=sealed.wrapped_key,
            invitation_hash=hash_api_key(invitation),
            invitation_expires_at=datetime.now(UTC) + timedelta(seconds=valid_seconds),
        )
        .returning(tables.people)
    )
    return row.one(), invitation


async def list_people(connection: AsyncConnection) -> Sequence[Any]:
    """Those of the current organisation, the oldest first."""
    people = tables.people
    statement = select(people).order_by(people.c.created_at, people.c.person_id)
    return (await connection.execute(statement)).all()


async def find_label(connection: AsyncConnection, person_id: bytes, master_key: bytes) -> str:
    """What the current organisation calls a person of its."""
    statement = select(tables.people).where(tables.people.c.person_id == person_id)
    return label_of((await connection.execute(statement)).one(), master_key)


def label_of(row: Any, master_key: bytes) -> str:
    """What the organisation calls the person."""
    sealed = SealedRecord(row.sealed_label, row.wrapped_key)
    return unseal(sealed, row.person_id, master_key).decode()


async def change_role(
    connection: AsyncConnection,
    organisation_id: bytes,
    maker: Grant,
    person_id: bytes,
    grant: Grant,
) -> Any:
    """Gives a person another role, from the next request on."""
    require_within(maker, grant)
    await lock_access(connection, organisation_id)
    people = tables.people
    row = (
        await connection.execute(
            update(people)
            .where(people.c.person_id == person_id)
            .values(role=grant.role, areas=_stored(grant))
            .returning(people)
        )
    ).one_or_none()
    if row is None:
        raise _unknown(person_id)
    await require_manager_left(connection)
    return row


async def remove_person(
    connection: AsyncConnection, organisation_id: bytes, person_id: bytes
) -> None:
    """Forgets a person with passkeys and sessions, or an invitation that nobody took."""
    await lock_access(connection, organisation_id)
    for table in (tables.person_sessions, tables.passkeys, tables.people):
        gone = await connection.execute(delete(table).where(table.c.person_id == person_id))
    if gone.rowcount == 0:
        raise _unknown(person_id)
    await require_manager_left(connection)


async def find_invited(connection: AsyncConnection, invitation: str) -> Invited:
    """Who is invited; from here on the transaction is the organisation's. Raises a problem for an
    invitation that is unknown, taken or too old."""
    asked = {"asked": hash_api_key(invitation)}
    row = (await connection.execute(PERSON_INVITED, asked)).one_or_none()
    if row is None:
        raise Problem.of("invitation-refused")
    await act_as(connection, row.organisation_id)
    return Invited(row.organisation_id, row.person_id)


async def take_invitation(
    connection: AsyncConnection, invitation: str, address: bytes | None = None
) -> Invited:
    """Makes the invited a person of the organisation, once. Raises a problem for an invitation that
    is not open (any more), or an address that another person of the organisation has."""
    invited = await find_invited(connection, invitation)
    people = tables.people
    try:
        taken = await connection.execute(
            update(people)
            .where(people.c.invitation_hash == hash_api_key(invitation))
            .values(
                address=address,
                invitation_hash=None,
                invitation_expires_at=None,
                joined_at=func.clock_timestamp(),
            )
        )
    except IntegrityError as error:
        raise Problem.of("person-known") from error
    if taken.rowcount == 0:
        raise Problem.of("invitation-refused")
    return invited


def _stored(grant: Grant) -> list[str] | None:
    return None if grant.areas is None else sorted(grant.areas)


def _unknown(person_id: bytes) -> Problem:
    remedy = "GET /v1/people lists those of the organisation."
    return not_found("person", to_hex(person_id), remedy)
