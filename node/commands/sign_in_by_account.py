"""Sign-In with Ethereum (EIP-4361): an account signs who it is, and a session begins.

The account manages a hosted organisation on chain, or is a person of one by invitation.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_organisation_managed_by
from node.commands.challenges import Purpose, take_challenge
from node.commands.keep_people import take_invitation
from node.commands.keep_sessions import OpenedSession, open_session
from node.db import query
from node.problems import Problem
from protocol.sign_in import (
    SignInMessage,
    SignInRequest,
    check_sign_in_message,
    parse_sign_in_message,
    sign_in_digest,
)
from protocol.signatures import SIGNATURE_LENGTH, is_signed_by
from protocol.types import to_hex

PEOPLE_AT = text("SELECT organisation_id, person_id FROM node.people_at(:asked)")
IS_HOSTED = text("SELECT node.is_hosted(:asked)")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A message of EIP-4361 as text, and what an account made of it."""

    text: str
    signature: bytes


async def take_nonce(connection: AsyncConnection, message: SignInMessage) -> None:
    """Uses up the message's nonce, to be committed whatever else is wrong with the message. Raises
    a problem for one that this node did not give out, or that was used or is too old."""
    try:
        challenge = bytes.fromhex(message.nonce)
    except ValueError:
        challenge = b""
    is_ours = challenge.hex() == message.nonce
    if not is_ours or not await take_challenge(connection, challenge, Purpose.ETHEREUM):
        raise Problem.of("sign-in-refused", f"The nonce {message.nonce} is not open.").about(
            "message"
        )


def prove_account(signed: SignedMessage, asked: SignInRequest, now: float) -> bytes:
    """The address that signed the message, if the message is the answer to what was asked. The
    nonce is not looked at."""
    message = parse_sign_in_message(signed.text)
    check_sign_in_message(message, asked, now)
    if len(signed.signature) != SIGNATURE_LENGTH:
        raise Problem.of(
            "sign-in-refused",
            f"The signature has {len(signed.signature)} bytes; that of an account's key has "
            f"{SIGNATURE_LENGTH}.",
            "Sign in with an account that has a key of its own, or with a passkey: signatures of "
            "contract wallets (ERC-1271) are not asked for on chain.",
        ).about("signature")
    if not is_signed_by(message.address, sign_in_digest(signed.text), signed.signature):
        raise Problem.of(
            "sign-in-refused",
            f"The message is not signed by {to_hex(message.address)}.",
            "Sign exactly this text (personal_sign) with the account's own key; a contract wallet "
            "has none, its people sign in with passkeys.",
        ).about("signature")
    return message.address


async def sign_in_by_account(
    connection: AsyncConnection,
    address: bytes,
    organisation_id: bytes | None,
    now: int,
    hours: int,
) -> OpenedSession:
    """A session of an account that manages a hosted organisation, or of the person who has the
    address. `organisation_id` chooses where several know the address."""
    known: dict[bytes, bytes | None] = {
        row.organisation_id: row.person_id
        for row in (await connection.execute(PEOPLE_AT, {"asked": address})).all()
    }
    managed = await query(connection, find_organisation_managed_by, address, now)
    if managed is not None:
        hosted = await connection.execute(IS_HOSTED, {"asked": bytes(managed)})
        if hosted.scalar_one():
            known[managed] = None  # whoever can change an organisation's accounts is its admin
    if organisation_id is not None:
        known = {each: person for each, person in known.items() if each == organisation_id}
    if not known:
        raise Problem.of(
            "sign-in-refused",
            f"No organisation of this node knows {to_hex(address)}.",
            "Let an admin of the organisation invite you, or sign with an account that has the "
            "scope manage in ParticipantRegistry.",
        )
    if len(known) > 1:
        named = sorted(to_hex(each) for each in known)
        detail = f"The address is known to {', '.join(named)}."
        problem = Problem.of("organisation-unclear", detail).about("organisationId")
        problem.values["organisations"] = named
        raise problem
    [(organisation, person_id)] = known.items()
    return await open_session(connection, organisation, person_id, address, hours)


async def join_by_account(
    connection: AsyncConnection, address: bytes, invitation: str, hours: int
) -> OpenedSession:
    """Takes an invitation with the address, and begins a session."""
    invited = await take_invitation(connection, invitation, address)
    organisation, person_id = invited.organisation_id, invited.person_id
    return await open_session(connection, organisation, person_id, address, hours)
