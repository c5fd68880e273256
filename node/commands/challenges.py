"""What somebody is to sign who is not known yet: random bytes that live for minutes and are
answered once. Whoever answers a challenge takes it away, whatever becomes of the answer."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables

CHALLENGE_SECONDS = 300
CHALLENGE_BYTES = 32


class Purpose(StrEnum):
    """What a challenge is for; it serves no other."""

    ETHEREUM = "ethereum"
    PASSKEY = "passkey"
    PASSKEY_REGISTRATION = "passkey-registration"


async def issue_challenge(
    connection: AsyncConnection, purpose: Purpose, bound_to: bytes | None = None
) -> tuple[bytes, datetime]:
    """Fresh bytes and when they end; those that have ended are forgotten."""
    challenges = tables.challenges
    await connection.execute(
        delete(challenges).where(challenges.c.expires_at < func.clock_timestamp())
    )
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    expires_at = datetime.now(UTC) + timedelta(seconds=CHALLENGE_SECONDS)
    await connection.execute(
        insert(challenges).values(
            challenge=challenge, purpose=purpose, bound_to=bound_to, expires_at=expires_at
        )
    )
    return challenge, expires_at


async def take_challenge(
    connection: AsyncConnection, challenge: bytes, purpose: Purpose, bound_to: bytes | None = None
) -> bool:
    """Whether it was issued for this, is not too old and was there; it is gone afterwards. Of two
    who take it at the same time one is told that it was."""
    challenges = tables.challenges
    taken = (
        await connection.execute(
            delete(challenges)
            .where(challenges.c.challenge == challenge)
            .returning(
                challenges.c.purpose,
                challenges.c.bound_to,
                (challenges.c.expires_at > func.clock_timestamp()).label("is_live"),
            )
        )
    ).one_or_none()
    return (
        taken is not None
        and taken.is_live
        and taken.purpose == purpose
        and taken.bound_to == bound_to
    )
