"""What the sender has signed and seen: one row a nonce, with the acts that it carries and all bytes
that were ever signed for it. Each change is one transaction of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, literal_column, select, update

from node import tables
from node.sending.acts import Act
from node.sending.chain import Mined, Request
from node.sending.failures import MINED_IN_VAIN, NEVER_VALID, Failure
from node.sending.signed import OPEN, Attempt, OpenTransaction, Signed

ATTEMPTS_MIN = 3
"""How many transactions of an act, each of other gas, must have been too large for a block before
it has failed: one estimate is one node's word."""
PAUSE_SECONDS_MAX = 3_600.0
"""Between two transactions of an act that no node takes."""

# Written into the statement, so that PostgreSQL knows that its partial index serves.
MINED: ColumnElement[str] = literal_column("'mined'")


class Journal(Signed):
    """Of one key."""

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

    def finalise(self, transaction_ids: Collection[int]) -> None:
        """Their blocks stay."""
        transactions, outbox = tables.transactions, tables.outbox
        with self._fence.changing() as connection:
            closed = connection.execute(
                update(transactions)
                .where(
                    transactions.c.transaction_id.in_(transaction_ids),
                    OPEN,
                    transactions.c.state.in_(["mined", "failed"]),
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
