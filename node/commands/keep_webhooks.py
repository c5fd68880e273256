"""Webhooks of an organisation: registered, listed, set back, deleted."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.cursor import NEWS_CHANNEL
from indexer.queries.feed import Position, current_generation, head_position
from node import tables
from node.db import lock, query
from node.problems import Problem, not_found
from node.webhook_secrets import new_webhook_secret, seal_webhook_secret
from protocol.types import to_hex

WEBHOOKS_MAX = 20
WEBHOOK_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What an organisation asks for."""

    url: str
    names: frozenset[str]
    include_unfinal: bool


async def register_webhook(
    connection: AsyncConnection,
    organisation_id: bytes,
    asked: NewWebhook,
    master_key: bytes,
) -> tuple[Any, str]:
    """The new webhook's row and its secret; it begins at what happens from now on. Its address was
    judged before the transaction began. Raises a problem when the organisation has enough."""
    await lock(connection, f"webhooks:{organisation_id.hex()}")
    count = select(func.count()).select_from(tables.webhooks)
    if (await connection.execute(count)).scalar_one() >= WEBHOOKS_MAX:
        raise Problem.of("webhook-limit", f"The organisation has {WEBHOOKS_MAX} webhooks already.")
    webhook_id, secret = secrets.token_bytes(WEBHOOK_ID_BYTES), new_webhook_secret()
    sealed = seal_webhook_secret(secret, webhook_id, master_key)
    row = await connection.execute(
        insert(tables.webhooks)
        .values(
            webhook_id=webhook_id,
            organisation_id=organisation_id,
            url=asked.url,
            names=sorted(asked.names),
            include_unfinal=asked.include_unfinal,
            sealed_secret=sealed.ciphertext,
            wrapped_key=sealed.wrapped_key,
            position=str(await query(connection, head_position)),
        )
        .returning(tables.webhooks)
    )
    await _tell_delivery(connection)
    return row.one(), secret


async def list_webhooks(connection: AsyncConnection) -> Sequence[Any]:
    """Those of the current organisation, the oldest first."""
    webhooks = tables.webhooks
    order = (webhooks.c.created_at, webhooks.c.webhook_id)
    return (await connection.execute(select(webhooks).order_by(*order))).all()


async def redeliver(connection: AsyncConnection, webhook_id: bytes, after: Position) -> Any:
    """Sets a webhook back (or on) to a position and begins at once, also one that was disabled.
    Raises a problem for a webhook that is not the organisation's or a position of the future."""
    generation = await query(connection, current_generation)
    if after.generation > generation:
        detail = f"The position {after} is of a generation after {generation}."
        raise Problem.of("position-unknown", detail).about("after")
    row = (
        await connection.execute(
            update(tables.webhooks)
            .where(tables.webhooks.c.webhook_id == webhook_id)
            .values(
                position=str(after),
                attempts=0,
                failing_since=None,
                next_attempt_at=func.now(),
                last_failure=None,
                disabled_reason=None,
            )
            .returning(tables.webhooks)
        )
    ).one_or_none()
    if row is None:
        raise _unknown(webhook_id)
    await _tell_delivery(connection)
    return row


async def delete_webhook(connection: AsyncConnection, webhook_id: bytes) -> None:
    """Raises a problem for a webhook that is not the organisation's."""
    statement = delete(tables.webhooks).where(tables.webhooks.c.webhook_id == webhook_id)
    if (await connection.execute(statement)).rowcount == 0:
        raise _unknown(webhook_id)
    await _tell_delivery(connection)


def _unknown(webhook_id: bytes) -> Problem:
    remedy = "GET /v1/webhooks lists those of the organisation."
    return not_found("webhook", to_hex(webhook_id), remedy)


async def _tell_delivery(connection: AsyncConnection) -> None:
    """At COMMIT whoever delivers looks again."""
    await connection.execute(select(func.pg_notify(NEWS_CHANNEL, "")))
