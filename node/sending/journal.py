"""What the sender has signed and seen: one row a nonce, with the acts that it carries and all bytes
that were ever signed for it. Each change is one transaction of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from node import tables
from node.sending.acts import Act
from node.sending.chain import Mined, Request
from node.sending.failures import MINED_IN_VAIN, NEVER_VALID, Failure
from node.sending.fence import Fence

OPEN_READ_MAX = 1_000
ATTEMPTS_MIN = 3
"""How many transactions of an act, each of other gas, must have been too large for a block before
it has failed: one estimate is one node's word."""
PAUSE_SECONDS_MAX = 3_600.0
"""Between two transactions of an act that no node takes."""

TransactionState = Literal["sent", "mined", "failed", "spent", "final", "void"]
"""`failed`: in a block, and its contract refused it; `spent`: in a block, in vain, and no contract
says why; `void`: nothing of its acts uses the nonce."""

# Written into the statements, so that PostgreSQL knows that their partial indexes serve.
MINED: ColumnElement[str] = literal_column("'mined'")
OPEN: ColumnElement[bool] = literal_column("is_open")


def _with_attempts(condition: ColumnElement[bool], order: ColumnElement[Any]) -> Select[Any]:
    """The first `limit` of a sender's transactions in an order, each with all that was signed."""
    attempts = tables.attempts
    chosen = (
        select(tables.transactions)
        .where(tables.transactions.c.sender == bindparam("sender"), condition)
        .order_by(order)
        .limit(bindparam("limit"))
        .subquery()
    )
    return (
        select(
            chosen,
            attempts.c.hash.label("attempt_hash"),
            attempts.c.raw,
            attempts.c.gas_price_wei,
            attempts.c.is_filler,
        )
        .join(attempts, attempts.c.transaction_id == chosen.c.transaction_id)
        .order_by(chosen.c.nonce, attempts.c.attempt_id)
    )


# Read at every turn: made once, for to put them together takes longer than to read a few rows.
_OPEN_ONES = _with_attempts(OPEN, tables.transactions.c.nonce)
_NEWEST_CLOSED = _with_attempts(
    ~OPEN & tables.transactions.c.state.in_(["final", "failed"]),
    tables.transactions.c.nonce.desc(),
)


class Attempt(NamedTuple):
    """Bytes that were signed for a nonce. A filler does nothing but use the nonce up."""

    hash: bytes
    raw: bytes
    gas_price_wei: int
    is_filler: bool


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A nonce of which it is not certain for ever what used it. Attempts are the oldest first;
    `hash` is that of the one in a block, or of the first."""

    transaction_id: int
    nonce: int
    hash: bytes
    request: Request
    gas: int
    state: TransactionState
    signed_at_block: int
    block_number: int | None
    block_hash: bytes | None
    failure: Failure | None
    attempts: tuple[Attempt, ...]

    @property
    def is_under_way(self) -> bool:
        """Whether it is in no block; also one whose acts went elsewhere, whose nonce is free again
        and has to be used up."""
        return self.state in ("sent", "void")


class Journal:
    """Of one key."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._sender = fence.sender

    # -- reading ---------------------------------------------------------------------------------

    def open_transactions(self) -> list[OpenTransaction]:
        """By nonce."""
        return self._read(_OPEN_ONES, OPEN_READ_MAX)

    def newest_closed(self, limit: int) -> list[OpenTransaction]:
        """The last of those in blocks that nothing takes back, by nonce."""
        return self._read(_NEWEST_CLOSED, limit)

    def void_from(self, nonce: int) -> list[int]:
        """Those whose nonce something else used, from a nonce on."""
        transactions = tables.transactions.c
        statement = select(transactions.transaction_id).where(
            transactions.sender == self._sender,
            transactions.nonce >= nonce,
            ~OPEN,
            transactions.state == "void",
        )
        with self._fence.reading() as connection:
            return list(connection.scalars(statement))

    def unknown_nonces(self, first: int, end: int) -> list[int]:
        """The nonces from first to before the end that were never ours."""
        transactions = tables.transactions.c
        statement = select(transactions.nonce).where(
            transactions.sender == self._sender, transactions.nonce.between(first, end - 1)
        )
        with self._fence.reading() as connection:
            known = set(connection.scalars(statement))
        return [nonce for nonce in range(first, end) if nonce not in known]

    def _read(self, statement: Select[Any], limit: int) -> list[OpenTransaction]:
        with self._fence.reading() as connection:
            rows = connection.execute(statement, {"sender": self._sender, "limit": limit}).all()
        return [_of_rows(tuple(of_nonce)) for _, of_nonce in groupby(rows, lambda row: row.nonce)]

    def next_nonce(self, on_chain: int) -> int:
        """The nonce after all that were ever signed for, and after those in blocks."""
        newest = select(func.max(tables.transactions.c.nonce)).where(
            tables.transactions.c.sender == self._sender
        )
        with self._fence.reading() as connection:
            used = connection.execute(newest).scalar_one()
        return on_chain if used is None else max(on_chain, used + 1)

    # -- writing ---------------------------------------------------------------------------------

    def reserve(
        self,
        acts: Sequence[Act],
        nonce: int,
        request: Request,
        gas: int,
        head: int,
        attempt: Attempt,
    ) -> OpenTransaction:
        """A nonce for acts, with its signed bytes: before anything leaves this process."""
        outbox = tables.outbox
        with self._fence.changing() as connection:
            transaction_id = connection.execute(
                insert(tables.transactions)
                .values(
                    sender=self._sender,
                    nonce=nonce,
                    target=request.to,
                    data=request.data,
                    gas=gas,
                    hash=attempt.hash,
                    state="sent",
                    signed_at_block=head,
                )
                .returning(tables.transactions.c.transaction_id)
            ).scalar_one()
            self._insert_attempt(connection, transaction_id, attempt)
            changed = connection.execute(
                update(outbox)
                .where(
                    outbox.c.outbox_id.in_([act.outbox_id for act in acts]),
                    outbox.c.state == "waiting",
                )
                .values(
                    state="sent",
                    transaction_id=transaction_id,
                    attempts=outbox.c.attempts + 1,
                    failure=None,
                    not_before=None,
                )
            ).rowcount
            if changed != len(acts):
                raise AssertionError(
                    f"{len(acts) - changed} of {len(acts)} outbox rows changed under the sender's "
                    "lock; nothing was sent"
                )
        return OpenTransaction(
            transaction_id=transaction_id,
            nonce=nonce,
            hash=attempt.hash,
            request=request,
            gas=gas,
            state="sent",
            signed_at_block=head,
            block_number=None,
            block_hash=None,
            failure=None,
            attempts=(attempt,),
        )

    def add_attempt(
        self, transaction: OpenTransaction, attempt: Attempt, failure: Failure | None = None
    ) -> OpenTransaction:
        """Other bytes for the same nonce, or the same again; `failure` is why a filler takes the
        place of the acts."""
        if attempt in transaction.attempts:
            return transaction
        with self._fence.changing() as connection:
            self._insert_attempt(connection, transaction.transaction_id, attempt)
            if failure is not None:
                self._update(connection, transaction.transaction_id, failure=failure)
        return replace(
            transaction,
            attempts=(*transaction.attempts, attempt),
            failure=failure or transaction.failure,
        )

    def record(
        self,
        transaction: OpenTransaction,
        attempt: Attempt,
        mined: Mined,
        failure: Failure | None,
        refused: Mapping[bytes, Failure],
    ) -> None:
        """An attempt is in a block. `failure`: why in vain, for all; `refused`: subject → why, for
        some of the acts. What was spent without a reason keeps its acts until nothing can take its
        block back: then they wait for another nonce."""
        outbox, transaction_id = tables.outbox, transaction.transaction_id
        state = "mined" if failure is None else "failed"
        if failure == MINED_IN_VAIN:
            state = "spent"
        with self._fence.changing() as connection:
            self._update(
                connection,
                transaction_id,
                state=state,
                hash=attempt.hash,
                block_number=mined.block_number,
                block_hash=mined.block_hash,
                gas_used=mined.gas_used,
                mined_at=func.now(),
            )
            if attempt.is_filler:  # its acts stay under way until no block can be taken back
                return
            acts_state = "sent" if state == "spent" else state
            self._move_acts(connection, transaction_id, acts_state, failure)
            for subject, reason in refused.items():
                connection.execute(
                    update(outbox)
                    .where(outbox.c.transaction_id == transaction_id, outbox.c.subject == subject)
                    .values(state="failed", failure=reason)
                )

    def reopen(self, transaction_ids: Collection[int]) -> None:
        """The chain does not have them any more: they are under way again, with the same bytes."""
        transactions, outbox = tables.transactions, tables.outbox
        with self._fence.changing() as connection:
            connection.execute(
                update(transactions)
                .where(transactions.c.transaction_id.in_(transaction_ids))
                .values(
                    state=literal_column("CASE state WHEN 'void' THEN state ELSE 'sent' END"),
                    is_open=True,
                    block_number=None,
                    block_hash=None,
                    gas_used=None,
                    mined_at=None,
                )
            )
            connection.execute(
                update(outbox)
                .where(outbox.c.transaction_id.in_(transaction_ids))
                .values(state="sent", failure=None)
            )

    def finalise(self, final_block: int) -> None:
        """Whatever is in a block up to this one stays there."""
        transactions, outbox = tables.transactions, tables.outbox
        with self._fence.changing() as connection:
            closed = connection.execute(
                update(transactions)
                .where(
                    transactions.c.sender == self._sender,
                    OPEN,
                    transactions.c.state.in_(["mined", "failed"]),
                    transactions.c.block_number <= final_block,
                )
                .values(
                    is_open=False,
                    state=literal_column("CASE state WHEN 'mined' THEN 'final' ELSE state END"),
                )
                .returning(transactions.c.transaction_id)
            ).scalars()
            connection.execute(
                update(outbox)
                .where(outbox.c.transaction_id.in_(closed.all()), outbox.c.state == MINED)
                .values(state="final")
            )

    def release(self, transaction: OpenTransaction, now: float) -> None:
        """Something else used the nonce, for ever. The acts wait for another one: longer each time
        where nodes refused them, since a nonce that nobody takes holds up all after it. One that
        stood alone, and that nobody can take however often its gas is estimated, has failed."""
        outbox, failure = tables.outbox, transaction.failure
        with self._fence.changing() as connection:
            self._update(connection, transaction.transaction_id, state="void", is_open=False)
            acts = connection.execute(
                select(outbox.c.outbox_id, outbox.c.attempts).where(
                    outbox.c.transaction_id == transaction.transaction_id
                )
            ).all()
            attempts = max((act.attempts for act in acts), default=0)
            is_failed = failure == NEVER_VALID and len(acts) == 1 and attempts >= ATTEMPTS_MIN
            pause = min(2.0**attempts, PAUSE_SECONDS_MAX) if failure is not None else 0.0
            connection.execute(
                update(outbox)
                .where(outbox.c.outbox_id.in_([act.outbox_id for act in acts]))
                .values(
                    state="failed" if is_failed else "waiting",
                    transaction_id=transaction.transaction_id if is_failed else None,
                    failure=failure,
                    not_before=func.to_timestamp(now + pause) if pause else None,
                )
            )

    # -- parts -----------------------------------------------------------------------------------

    def _insert_attempt(
        self, connection: Connection, transaction_id: int, attempt: Attempt
    ) -> None:
        connection.execute(
            insert(tables.attempts).values(
                transaction_id=transaction_id,
                hash=attempt.hash,
                raw=attempt.raw,
                gas_price_wei=attempt.gas_price_wei,
                is_filler=attempt.is_filler,
            )
        )

    def _update(self, connection: Connection, transaction_id: int, **columns: Any) -> None:
        changed = connection.execute(
            update(tables.transactions)
            .where(tables.transactions.c.transaction_id == transaction_id)
            .values(**columns)
        ).rowcount
        if changed != 1:
            raise AssertionError(f"transaction {transaction_id} is not in the journal")

    def _move_acts(
        self, connection: Connection, transaction_id: int, state: str, failure: Failure | None
    ) -> None:
        connection.execute(
            update(tables.outbox)
            .where(tables.outbox.c.transaction_id == transaction_id)
            .values(state=state, failure=failure)
        )


def _of_rows(rows: Sequence[Row[Any]]) -> OpenTransaction:
    """A transaction from a row for each of its attempts."""
    row = rows[0]
    return OpenTransaction(
        transaction_id=row.transaction_id,
        nonce=row.nonce,
        hash=row.hash,
        request=Request(row.target, row.data),
        gas=row.gas,
        state=row.state,
        signed_at_block=row.signed_at_block,
        block_number=row.block_number,
        block_hash=row.block_hash,
        failure=row.failure,
        attempts=tuple(
            Attempt(each.attempt_hash, each.raw, int(each.gas_price_wei), each.is_filler)
            for each in rows
        ),
    )
