"""Passkeys of an organisation's people: registered on an invitation, then the way in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api_keys import hash_api_key
from node.commands.challenges import Purpose, take_challenge
from node.commands.keep_people import take_invitation
from node.commands.keep_sessions import OpenedSession, open_session
from node.db import act_as
from node.passkeys import NewPasskey, PasskeyRefused, RelyingParty, challenge_of
from node.problems import Problem

PERSON_OF_PASSKEY = text("SELECT * FROM node.person_of_passkey(:asked)")


@dataclass(frozen=True, slots=True)
class AnsweredChallenge:
    """What an authenticator made, as WebAuthn writes it in JSON, and the challenge it answers."""

    credential: dict[str, Any]
    challenge: bytes


async def take_answered(
    connection: AsyncConnection, credential: dict[str, Any], invitation: str | None
) -> AnsweredChallenge:
    """Uses up the challenge, to be committed whatever else is wrong. Raises a problem for one that
    this node did not give out, or not for this invitation, or that was used or is too old."""
    purpose, bound_to = Purpose.PASSKEY, None
    if invitation is not None:
        purpose, bound_to = Purpose.PASSKEY_REGISTRATION, hash_api_key(invitation)
    try:
        challenge = challenge_of(credential["response"]["clientDataJSON"])
    except PasskeyRefused as error:
        raise _refused(str(error)) from error
    if not await take_challenge(connection, challenge, purpose, bound_to):
        raise _refused("The challenge is not open.")
    return AnsweredChallenge(credential, challenge)


def check_new_passkey(party: RelyingParty, answered: AnsweredChallenge) -> NewPasskey:
    """The passkey that was registered; raises a problem."""
    try:
        return party.check_registration(answered.credential, answered.challenge)
    except PasskeyRefused as error:
        raise _refused(str(error)) from error


async def join_by_passkey(
    connection: AsyncConnection, passkey: NewPasskey, invitation: str, hours: int
) -> OpenedSession:
    """Takes an invitation with the passkey, and begins a session."""
    invited = await take_invitation(connection, invitation)
    organisation, person_id = invited.organisation_id, invited.person_id
    try:
        await connection.execute(
            insert(tables.passkeys).values(
                credential_id=passkey.credential_id,
                organisation_id=organisation,
                person_id=person_id,
                public_key=passkey.public_key,
                sign_count=passkey.sign_count,
            )
        )
    except IntegrityError as error:
        raise Problem.of("person-known") from error
    return await open_session(connection, organisation, person_id, None, hours)


async def sign_in_by_passkey(
    connection: AsyncConnection,
    party: RelyingParty,
    answered: AnsweredChallenge,
    credential_id: bytes,
    hours: int,
) -> OpenedSession:
    """A session of the person whose passkey it is; raises a problem."""
    row = (await connection.execute(PERSON_OF_PASSKEY, {"asked": credential_id})).one_or_none()
    if row is None:
        raise _refused("No person of this node has the passkey.")
    try:
        counted = party.check_assertion(
            answered.credential, answered.challenge, row.public_key, row.sign_count
        )
    except PasskeyRefused as error:
        raise _refused(str(error)) from error
    await act_as(connection, row.organisation_id)
    passkeys = tables.passkeys
    moved = await connection.execute(
        update(passkeys)
        .where(passkeys.c.credential_id == credential_id, passkeys.c.sign_count == row.sign_count)
        .values(sign_count=counted)
    )
    if moved.rowcount == 0:
        raise _refused("The passkey was used elsewhere at the same time.")
    return await open_session(connection, row.organisation_id, row.person_id, None, hours)


def _refused(detail: str) -> Problem:
    return Problem.of("sign-in-refused", detail).about("credential")
