"""The outbox: what this node has promised to bring to the chain.

A row is written in the transaction of the request that promises it, so nothing is promised that is
not written and nothing is written that was not promised. States:

    waiting → sent → mined → final
       └────────┴──→ failed            (the contract refuses; the reason is kept)

A chain that takes a block back moves its acts from mined (or failed in a block) to sent, with the
same signed bytes.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.db import lock

Kind = Literal["propose", "sign", "anchor", "withdraw", "settle"]
State = Literal["waiting", "sent", "mined", "final", "failed"]


async def lock_promise(connection: AsyncConnection, kind: Kind, subject: bytes) -> None:
    """Until the transaction ends nobody else promises acts of this kind about the subject, so that
    what `find_act` says stays true up to `enqueue`."""
    await lock(connection, f"{kind}:{subject.hex()}")


async def enqueue(
    connection: AsyncConnection,
    kind: Kind,
    acts: list[tuple[bytes, dict[str, Any]]],
    organisation_id: bytes | None,
) -> None:
    """Promises acts of one kind: (subject, payload) each. Never commits.

    `organisation_id` is the organisation that the act is for; None for a learner's withdrawal.
    """
    await connection.execute(
        insert(tables.outbox).inline(),  # without RETURNING: a relayed act may not be read back
        [
            {
                "organisation_id": organisation_id,
                "kind": kind,
                "subject": subject,
                "payload": payload,
            }
            for subject, payload in acts
        ],
    )


async def find_act(connection: AsyncConnection, kind: Kind, subject: bytes) -> Any | None:
    """The newest act of a kind about a subject that the caller may see, with its transaction; one
    that failed only if none stands."""
    statement = (
        select(
            tables.outbox.c.outbox_id,
            tables.outbox.c.state,
            tables.outbox.c.payload,
            tables.outbox.c.failure,
            tables.outbox.c.created_at,
            tables.transactions.c.hash.label("transaction_hash"),
            tables.transactions.c.block_number,
            tables.transactions.c.gas_used,
            tables.transactions.c.mined_at,
        )
        .outerjoin(
            tables.transactions,
            tables.outbox.c.transaction_id == tables.transactions.c.transaction_id,
        )
        .where(tables.outbox.c.kind == kind, tables.outbox.c.subject == subject)
        .order_by(tables.outbox.c.state == "failed", tables.outbox.c.outbox_id.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).one_or_none()
