"""What the sender has signed, as it reads it again: one row a nonce, with all bytes that were ever
signed for it. However many there are, each reading is of a bounded number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, literal_column, select

from node import tables
from node.sending.chain import Request
from node.sending.failures import Failure
from node.sending.fence import Fence

READ_MAX = 500
"""How many are read at once, and asked for in one request: many more than are ever sent while none
is in a block, unless a chain has lost its blocks."""

TransactionState = Literal["sent", "mined", "failed", "spent", "final", "void"]
"""`failed`: in a block, and its contract refused it; `spent`: in a block, in vain, and no contract
says why; `void`: nothing of its acts uses the nonce."""

# Written into the statements, so that PostgreSQL knows that its partial index serves.
OPEN: ColumnElement[bool] = literal_column("is_open")
UNDER_WAY: ColumnElement[bool] = OPEN & literal_column("state IN ('sent', 'void')")
IN_BLOCK: ColumnElement[bool] = OPEN & literal_column("state NOT IN ('sent', 'void')")


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
_ours = tables.transactions.c
_UNDER_WAY = _with_attempts(UNDER_WAY, _ours.nonce)
_IN_BLOCKS_BELOW = _with_attempts(IN_BLOCK & (_ours.nonce < bindparam("end")), _ours.nonce.desc())
_IN_BLOCKS_UP_TO = _with_attempts(IN_BLOCK & (_ours.block_number <= bindparam("end")), _ours.nonce)
_NEWEST_CLOSED = _with_attempts(~OPEN & _ours.state.in_(["final", "failed"]), _ours.nonce.desc())
NONCE_MAX = 2**63 - 1


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


class Signed:
    """By one key."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._sender = fence.sender

    def under_way(self) -> list[OpenTransaction]:
        """Those in no block, by nonce: of very many the lowest, since no other gets into a block
        before them."""
        return self._read(_UNDER_WAY)

    def newest_in_blocks(self, count_max: int, below: int = NONCE_MAX) -> list[OpenTransaction]:
        """The last of those in blocks that may be taken back, of the nonces below one, by nonce."""
        return self._read(_IN_BLOCKS_BELOW, count_max, below)

    def in_blocks_up_to(self, block_number: int) -> list[OpenTransaction]:
        """The first of those in blocks up to this one that are not yet known to stay, by nonce."""
        return self._read(_IN_BLOCKS_UP_TO, end=block_number)

    def newest_closed(self, count_max: int) -> list[OpenTransaction]:
        """The last of those in blocks that nothing takes back, by nonce."""
        return self._read(_NEWEST_CLOSED, count_max)

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

    def first_open_nonce(self) -> int | None:
        """The lowest of which it is not certain for ever what used it."""
        lowest = select(func.min(_ours.nonce)).where(_ours.sender == self._sender, OPEN)
        with self._fence.reading() as connection:
            nonce: int | None = connection.scalar(lowest)
        return nonce

    def next_nonce(self, on_chain: int) -> int:
        """The nonce after all that were ever signed for, and after those in blocks."""
        newest = select(func.max(tables.transactions.c.nonce)).where(
            tables.transactions.c.sender == self._sender
        )
        with self._fence.reading() as connection:
            used = connection.execute(newest).scalar_one()
        return on_chain if used is None else max(on_chain, used + 1)

    def _read(
        self, statement: Select[Any], count_max: int | None = None, end: int = 0
    ) -> list[OpenTransaction]:
        values = {"sender": self._sender, "limit": count_max or READ_MAX, "end": end}
        with self._fence.reading() as connection:
            rows = connection.execute(statement, values).all()
        return [_of_rows(tuple(of_nonce)) for _, of_nonce in groupby(rows, lambda row: row.nonce)]


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
