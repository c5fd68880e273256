"""Deliveries of records as rows: which are due, that one may have left, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from node import tables
from node.outgoing import PAUSE_SECONDS_MAX, pause_seconds

BATCH_SIZE_MAX = 100
FAILURE_LENGTH_MAX = 500


class Claimed(NamedTuple):
    """A delivery whose attempt has been counted."""

    organisation_id: bytes
    leaf: bytes
    attempts: int


class Outcome(NamedTuple):
    """What became of an attempt: delivered with a confirmation, refused, or still waiting, to be
    tried again after a pause."""

    state: str
    confirmation: str | None = None
    failure: str | None = None
    pause_seconds: float = 0.0

    @classmethod
    def failed(cls, claimed: Claimed, reason: str, is_final: bool = False) -> Outcome:
        """Each waits by its own attempts, so that what never succeeds holds up nothing else."""
        state = "refused" if is_final else "waiting"
        pause = pause_seconds(claimed.attempts)
        return cls(state, failure=storable(reason), pause_seconds=pause)


_WRITE_OUTCOMES = text(
    "UPDATE node.deliveries AS d SET state = o.state, last_failure = o.failure,"
    " confirmation = coalesce(o.confirmation, d.confirmation),"
    " confirmed_at = CASE WHEN o.state = 'delivered' THEN now() ELSE d.confirmed_at END,"
    " next_attempt_at = clock_timestamp() + make_interval(secs => o.pause)"
    " FROM unnest(CAST(:owners AS bytea[]), CAST(:leaves AS bytea[]), CAST(:states AS text[]),"
    " CAST(:confirmations AS text[]), CAST(:failures AS text[]), CAST(:pauses AS float8[]))"
    " AS o (owner, leaf, state, confirmation, failure, pause)"
    " WHERE d.organisation_id = o.owner AND d.leaf = o.leaf AND d.recipient = :recipient"
    " AND d.kind = :kind AND d.state = 'waiting'"
)


class DeliveryQueue:
    """The table `deliveries`, as the process that delivers sees it."""

    def __init__(self, database: AsyncEngine) -> None:
        self._database = database

    async def due(self) -> list[tuple[bytes, str]]:
        """Recipients and kinds for which something is due, who has waited longest first: nobody who
        is away keeps others from their turn."""
        deliveries = tables.deliveries
        statement = (
            select(deliveries.c.recipient, deliveries.c.kind)
            .where(
                deliveries.c.state == "waiting",
                deliveries.c.next_attempt_at <= func.clock_timestamp(),
            )
            .group_by(deliveries.c.recipient, deliveries.c.kind)
            .order_by(func.min(deliveries.c.next_attempt_at))
        )
        async with self._database.connect() as connection:
            return [(row.recipient, row.kind) for row in await connection.execute(statement)]

    async def claim(self, recipient: bytes, kind: str) -> list[Claimed]:
        """Counts an attempt of each. Should this process end, the next is due without it, the later
        the more there were."""
        deliveries = tables.deliveries
        due = (
            select(deliveries.c.organisation_id, deliveries.c.leaf)
            .where(
                deliveries.c.recipient == recipient,
                deliveries.c.kind == kind,
                deliveries.c.state == "waiting",
                deliveries.c.next_attempt_at <= func.clock_timestamp(),
            )
            .order_by(deliveries.c.next_attempt_at)
            .limit(BATCH_SIZE_MAX)
            .with_for_update(skip_locked=True)
            .cte("due")  # which is read once: a subquery may be read anew, and then takes more
        )
        pause = func.least(func.power(2.0, deliveries.c.attempts), PAUSE_SECONDS_MAX)
        statement = (
            update(deliveries)
            .where(
                tuple_(deliveries.c.organisation_id, deliveries.c.leaf).in_(
                    select(due.c.organisation_id, due.c.leaf)
                ),
                deliveries.c.recipient == recipient,
                deliveries.c.kind == kind,
                deliveries.c.state == "waiting",
            )
            .values(attempts=deliveries.c.attempts + 1, next_attempt_at=after(pause))
            .returning(deliveries.c.organisation_id, deliveries.c.leaf, deliveries.c.attempts)
        )
        async with self._database.begin() as connection:
            return [Claimed(*row) for row in await connection.execute(statement)]

    async def mark_sent(
        self, recipient: bytes, kind: str, claimed: Sequence[Claimed]
    ) -> list[Claimed]:
        """Writes down that these may be at the other node from now on. What was cancelled meanwhile
        is left out: it stays here."""
        deliveries = tables.deliveries
        keys = [(each.organisation_id, each.leaf) for each in claimed]
        statement = (
            update(deliveries)
            .where(
                tuple_(deliveries.c.organisation_id, deliveries.c.leaf).in_(keys),
                deliveries.c.recipient == recipient,
                deliveries.c.kind == kind,
                deliveries.c.state == "waiting",
            )
            .values(sent_at=func.coalesce(deliveries.c.sent_at, func.clock_timestamp()))
            .returning(deliveries.c.organisation_id, deliveries.c.leaf, deliveries.c.attempts)
        )
        async with self._database.begin() as connection:
            return [Claimed(*row) for row in await connection.execute(statement)]

    async def write_outcomes(
        self, recipient: bytes, kind: str, outcomes: Sequence[tuple[Claimed, Outcome]]
    ) -> None:
        """All of a batch in one statement; what was cancelled meanwhile stays so."""
        values = {
            "recipient": recipient,
            "kind": kind,
            "owners": [claimed.organisation_id for claimed, _ in outcomes],
            "leaves": [claimed.leaf for claimed, _ in outcomes],
            "states": [outcome.state for _, outcome in outcomes],
            "confirmations": [outcome.confirmation for _, outcome in outcomes],
            "failures": [outcome.failure for _, outcome in outcomes],
            "pauses": [outcome.pause_seconds for _, outcome in outcomes],
        }
        async with self._database.begin() as connection:
            await connection.execute(_WRITE_OUTCOMES, values)


def after(seconds: Any) -> Any:
    """A time from now, by the database's clock."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def storable(text: str) -> str:
    """What a receiver wrote, as a database takes it."""
    whole = text[:FAILURE_LENGTH_MAX].encode(errors="replace").decode()
    return whole.replace("\0", " ")
