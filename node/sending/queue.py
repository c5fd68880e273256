"""The acts that wait: which may be sent, and those that will not be, or not yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select, update

from node import tables
from node.sending.acts import Act
from node.sending.failures import EXPIRED, Failure
from node.sending.fence import Fence

WAITING_READ_MAX = 5_000
WITHDRAWALS_READ_MAX = 1_000

# Written into the statements, so that PostgreSQL knows that its partial index serves.
WAITING: ColumnElement[str] = literal_column("'waiting'")
SENT: ColumnElement[str] = literal_column("'sent'")
WITHDRAWAL: ColumnElement[str] = literal_column("'withdraw'")


class Queue:
    """The outbox as its sender sees it."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def waiting(self, now: float) -> list[Act]:
        """Acts whose time has come, the oldest first, without their payload. Of a long queue only
        the oldest, and those withdrawals behind them which no older act holds back: they go with
        the next block whatever waits before them."""
        outbox = tables.outbox
        ready = (
            select(
                outbox.c.outbox_id,
                outbox.c.organisation_id,
                outbox.c.kind,
                outbox.c.subject,
                outbox.c.order_key,
                outbox.c.attempts,
                func.greatest(now - func.extract("epoch", outbox.c.created_at), 0).label("age"),
                outbox.c.expires_at,
                outbox.c.failure,
            )
            .where(outbox.c.state == WAITING, ~_is_later(now))
            .order_by(outbox.c.outbox_id)
        )
        with self._fence.reading() as connection:
            acts = _read(connection, ready.limit(WAITING_READ_MAX))
            if len(acts) == WAITING_READ_MAX:
                behind = ready.where(
                    outbox.c.kind == WITHDRAWAL,
                    outbox.c.outbox_id > acts[-1].outbox_id,
                    ~_has_an_older_one(),
                )
                acts += _read(connection, behind.limit(WITHDRAWALS_READ_MAX))
        return acts

    def payloads(self, acts: Sequence[Act]) -> dict[int, Any]:
        """Outbox id → payload."""
        outbox = tables.outbox
        statement = select(outbox.c.outbox_id, outbox.c.payload).where(
            outbox.c.outbox_id.in_([act.outbox_id for act in acts])
        )
        with self._fence.reading() as connection:
            return {row.outbox_id: row.payload for row in connection.execute(statement)}

    def held_keys(self, now: float) -> set[bytes]:
        """The keys of acts that are sent and in no block yet, or wait for a later time: what
        follows them must wait, too."""
        outbox = tables.outbox
        later = (outbox.c.state == WAITING) & _is_later(now)
        statement = select(outbox.c.order_key).where((outbox.c.state == SENT) | later)
        with self._fence.reading() as connection:
            return set(connection.scalars(statement))

    def fail(self, acts: Sequence[Act], failure: Failure) -> None:
        """They will never be sent."""
        with self._fence.changing() as connection:
            self._move_waiting(connection, acts, state="failed", failure=failure)

    def defer(self, acts: Sequence[Act], failure: Failure, not_before: float) -> None:
        """They are tried again, fewer at once, and say meanwhile why they wait."""
        with self._fence.changing() as connection:
            self._move_waiting(
                connection,
                acts,
                attempts=tables.outbox.c.attempts + 1,
                failure=failure,
                not_before=func.to_timestamp(not_before),
            )

    def wait(self, acts: Sequence[Act], failure: Failure, not_before: float) -> None:
        """They are tried again as they are, and say meanwhile why they wait."""
        with self._fence.changing() as connection:
            later = func.to_timestamp(not_before)
            self._move_waiting(connection, acts, failure=failure, not_before=later)

    def expire(self, acts: Sequence[Act]) -> None:
        """They waited longer than they can be valid."""
        with self._fence.changing() as connection:
            self._move_waiting(connection, acts, state="expired", failure=EXPIRED)

    def _move_waiting(self, connection: Connection, acts: Sequence[Act], **columns: Any) -> None:
        outbox = tables.outbox
        connection.execute(
            update(outbox)
            .where(
                outbox.c.outbox_id.in_([act.outbox_id for act in acts]),
                outbox.c.state == "waiting",
            )
            .values(**columns)
        )


def _read(connection: Connection, statement: Select[Any]) -> list[Act]:
    return [
        Act(
            outbox_id=row.outbox_id,
            organisation_id=row.organisation_id,
            kind=row.kind,
            subject=row.subject,
            order_key=row.order_key,
            attempts=row.attempts,
            age_seconds=float(row.age),
            expires_at=row.expires_at,
            failure=row.failure,
        )
        for row in connection.execute(statement)
    ]


def _has_an_older_one() -> ColumnElement[bool]:
    """Whether an older act with the same key is in no block yet."""
    older = tables.outbox.alias("older")
    return (
        select(older.c.outbox_id)
        .where(
            older.c.order_key == tables.outbox.c.order_key,
            older.c.outbox_id < tables.outbox.c.outbox_id,
            older.c.state.in_([WAITING, SENT]),
        )
        .exists()
    )


def _is_later(now: float) -> ColumnElement[bool]:
    return func.coalesce(tables.outbox.c.not_before > func.to_timestamp(now), False)
