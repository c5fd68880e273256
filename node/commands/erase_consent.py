"""Erases the record of a consent that is over: here at once, and wherever it may have gone.

What a party holds of it is deleted with its wrapped key; the leaf stays on chain and tells nothing.
Until each other node has signed that it holds the record no more, the erasure reads `erasing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.commands.gate import GateAnswer
from node.commands.receive_records import erase_record
from node.outbox import IN_VAIN, find_act, lock_promise
from node.problems import Problem
from protocol.consent import ConsentState
from protocol.types import Leaf, OrganisationId, to_hex

ERASURE = "erasure"
RECORD = "record"


class Erasure(NamedTuple):
    """How far an erasure is: nodes that have not confirmed it, and when it was ordered."""

    unconfirmed: int
    ordered_at: Any

    @property
    def state(self) -> str:
        """In words."""
        return f"erasing: {self.unconfirmed} unconfirmed" if self.unconfirmed else "erased"


async def erase_consent(
    connection: AsyncConnection, leaf: Leaf, issuer: OrganisationId, answer: GateAnswer
) -> None:
    """Orders the erasure; again changes nothing. Raises a problem while the consent may be used, or
    may still come to the chain. Nobody tries its anchoring again meanwhile."""
    await lock_promise(connection, "anchor", leaf)
    if not await is_over(connection, leaf, answer.state, answer.status.ended_by):
        raise Problem.of(
            "consent-not-over",
            f"The consent {to_hex(leaf)} is {answer.state}.",
            "Revoke it, or wait until its withdrawal is on chain or its validity is over.",
        )
    await erase_record(connection, leaf, issuer)
    await connection.execute(text("SELECT node.order_erasures(:leaf)"), {"leaf": leaf})


async def is_over(
    connection: AsyncConnection, leaf: Leaf, state: str, ended_by: str | None
) -> bool:
    """Whether the record of a consent that stands so may be erased: nothing rests on it any more,
    or ever will."""
    if ended_by is not None or state == ConsentState.EXPIRED:
        return True
    act = await find_act(connection, "anchor", leaf)
    return act is not None and act.state in IN_VAIN and not act.is_open


async def find_erasure(
    connection: AsyncConnection, issuer: OrganisationId, leaf: Leaf
) -> Erasure | None:
    """How far the erasure of a record of the current organisation is; None if none was ordered."""
    erased, deliveries = tables.erased_records, tables.deliveries
    statement = select(erased.c.erased_at).where(
        erased.c.organisation_id == issuer, erased.c.issuer == issuer, erased.c.leaf == leaf
    )
    ordered_at = (await connection.execute(statement)).scalar_one_or_none()
    if ordered_at is None:
        return None
    waiting = select(func.count()).where(
        deliveries.c.organisation_id == issuer,
        deliveries.c.leaf == leaf,
        deliveries.c.kind == ERASURE,
        deliveries.c.confirmation.is_(None),
    )
    return Erasure((await connection.execute(waiting)).scalar_one(), ordered_at)


async def list_deliveries(
    connection: AsyncConnection, issuer: OrganisationId, leaf: Leaf
) -> Sequence[Any]:
    """Where the record of a consent of the current organisation went, or shall go."""
    deliveries = tables.deliveries
    statement = (
        select(deliveries)
        .where(deliveries.c.organisation_id == issuer, deliveries.c.leaf == leaf)
        .order_by(deliveries.c.recipient, deliveries.c.kind.desc())
    )
    return (await connection.execute(statement)).all()
