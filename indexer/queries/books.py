"""The books: balances, postings, and months with what they open with, what moves and what they
close with.

Read several of these in one REPEATABLE READ transaction where they must agree with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    Table,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)

from indexer import tables
from indexer.queries.places import in_block, transaction_of
from protocol.booking import BookedPosting, MonthBooks, Movement, close, digest_of, is_closed
from protocol.postings import LedgerAccount, Posting, balance_of, deposit_of, holding_of
from protocol.types import AmountMinor, BookingMonth, ContractAddress, UnixSeconds

ROWS_AT_ONCE = 5_000

_P = tables.postings.c
_IS_LATE = (_P.period.is_not(None) & (_P.period < _P.booking_month)).label("is_late")
_PLACE = (_P.category, _IS_LATE, _P.booking_month, _P.block_number)
_NOTHING = literal(0)
_SIDES = union_all(
    select(
        _P.target.label("account"),
        _P.amount_minor.label("received"),
        _NOTHING.label("paid"),
        *_PLACE,
    ),
    select(_P.source, _NOTHING, _P.amount_minor, *_PLACE),
).subquery("sides")
"""Each posting twice: as what reached an account, and as what left one."""
_BALANCES = select(
    _SIDES.c.account, func.sum(_SIDES.c.received - _SIDES.c.paid).label("balance")
).group_by(_SIDES.c.account)
_NEWEST_FINAL = text(
    "SELECT max(block_time) FROM ("
    " (SELECT block_time FROM ledger.blocks WHERE block_number <= :last"
    "  ORDER BY block_number DESC LIMIT 1)"
    " UNION ALL SELECT block_time FROM indexing.recent_blocks WHERE block_number <= :last"
    " UNION ALL SELECT block_time FROM indexing.cursor WHERE block_number <= :last"
    ") AS known"
)


def balances(connection: Connection) -> dict[LedgerAccount, AmountMinor]:
    """Every account that ever moved, by name. The sum over all is zero by construction."""
    return _amounts(connection.execute(_BALANCES))


def balance(connection: Connection, account: LedgerAccount) -> AmountMinor:
    """One account's balance in base units; 0 for one that never moved."""
    found = _amounts(connection.execute(_BALANCES.where(_SIDES.c.account == account)))
    return found.get(account, AmountMinor(0))


def balances_by_kind(connection: Connection) -> dict[str, AmountMinor]:
    """The same summed by what the names begin with, such as `deposit`; a kind that never moved is
    absent. One reading of the postings, which first sums what went from kind to kind."""
    paid_by, paid_to = (func.split_part(name, ":", 1) for name in (_P.source, _P.target))
    pairs = (
        select(
            paid_by.label("source"),
            paid_to.label("target"),
            func.sum(_P.amount_minor).label("amount"),
        )
        .group_by(paid_by, paid_to)
        .cte("pairs")
    )
    sides = union_all(
        select(pairs.c.target.label("kind"), pairs.c.amount),
        select(pairs.c.source, -pairs.c.amount),
    ).subquery()
    rows = connection.execute(select(sides.c.kind, func.sum(sides.c.amount)).group_by(sides.c.kind))
    return {each: AmountMinor(int(amount)) for each, amount in rows}


def balance_changes(
    connection: Connection, first_block: int, last_block: int
) -> dict[LedgerAccount, AmountMinor]:
    """Every account that moved in these blocks, both included, and by how much in all."""
    blocks = _SIDES.c.block_number.between(first_block, last_block)
    return _amounts(connection.execute(_BALANCES.where(blocks)))


def accounts_named(
    connection: Connection,
    first_block: int,
    last_block: int,
    settlement: ContractAddress,
    treasury: ContractAddress,
) -> set[LedgerAccount]:
    """Every account that an event of these blocks, both included, says something of, whatever the
    postings say."""
    names = union_all(*_named(first_block, last_block))
    found: set[LedgerAccount] = set()
    for kind, one, other in connection.execute(names):
        if kind == "holding":
            found.add(holding_of(one, settlement, treasury))
        else:
            found.add(balance_of(one) if kind == "balance" else deposit_of(one, other))
    return found


def _named(first_block: int, last_block: int) -> Iterator[Select[Any]]:
    """Selects of an account's kind and of the two values that name it."""
    transfers, lines, claims = tables.transfers, tables.settlement_lines, tables.claims
    nobody: ColumnElement[Any] = null()
    named: list[tuple[str, Table, ColumnElement[Any], ColumnElement[Any]]] = [
        ("holding", transfers, transfers.c.sender, nobody),
        ("holding", transfers, transfers.c.receiver, nobody),
        ("balance", lines, lines.c.payee, nobody),
        ("balance", claims, claims.c.organisation, nobody),
    ]
    for table in (tables.deposits, tables.withdrawn_deposits, tables.settlements):
        named.append(("deposit", table, table.c.agreement_id, table.c.consumer))
    for kind, table, one, other in named:
        blocks = table.c.block_number.between(first_block, last_block)
        yield select(literal(kind), one, cast(other, LargeBinary)).where(blocks).distinct()


def newest_final_time(connection: Connection, finality_blocks: int) -> UnixSeconds | None:
    """The time of the newest block known that nobody may take back any more; None before one.

    The index knows the times of blocks with events and of the newest ones: after a long back-fill
    it may know of a final block a little late, never too early.
    """
    cursor = connection.execute(select(tables.cursor.c.block_number)).scalar_one_or_none()
    if cursor is None:
        return None
    last = {"last": cursor - finality_blocks}
    time = connection.execute(_NEWEST_FINAL, last).scalar_one()
    return None if time is None else UnixSeconds(time)


def list_postings(
    connection: Connection, month: BookingMonth | None = None
) -> Iterator[BookedPosting]:
    """The postings of a booking month, or all, in the order of the chain; never all in memory."""
    postings = tables.postings
    statement = (
        select(postings, tables.blocks.c.block_time, transaction_of(postings).label("hash"))
        .join(tables.blocks, in_block(postings))
        .order_by(postings.c.block_number, postings.c.log_index, postings.c.posting_index)
    )
    if month is not None:
        statement = statement.where(postings.c.booking_month == month)
    streamed = statement.execution_options(yield_per=ROWS_AT_ONCE)
    return map(booked_posting, connection.execute(streamed))


def read_month(connection: Connection, month: BookingMonth, finality_blocks: int) -> MonthBooks:
    """The books of a month, provisional until a block of a later month is final."""
    opening = _amounts(connection.execute(_BALANCES.where(_SIDES.c.booking_month < month)))
    movements = _movements(connection, month)
    return MonthBooks(
        month=month,
        is_closed=is_closed(month, newest_final_time(connection, finality_blocks)),
        opening=opening,
        movements=movements,
        closing=close(opening, movements),
        digest=digest_of(list_postings(connection, month)),
    )


def _movements(connection: Connection, month: BookingMonth) -> tuple[Movement, ...]:
    key = (
        _SIDES.c.account.collate("C"),
        _SIDES.c.category,
        _SIDES.c.is_late,
    )
    received, paid = func.sum(_SIDES.c.received), func.sum(_SIDES.c.paid)
    statement = (
        select(*key, received, paid)
        .where(_SIDES.c.booking_month == month)
        .group_by(*key)
        .order_by(key[0], key[1].nulls_first(), key[2])
    )
    return tuple(
        Movement(account, category, is_late, AmountMinor(int(reached)), AmountMinor(int(left)))
        for account, category, is_late, reached, left in connection.execute(statement)
    )


def booked_months(connection: Connection) -> list[BookingMonth]:
    """The months in which anything is booked, in their order."""
    statement = select(tables.postings.c.booking_month).distinct().order_by("booking_month")
    return [BookingMonth(month) for month in connection.execute(statement).scalars()]


def count_postings(connection: Connection) -> int:
    """How many postings the books hold."""
    statement = select(func.count()).select_from(tables.postings)
    return int(connection.execute(statement).scalar_one())


def _amounts(rows: Any) -> dict[LedgerAccount, AmountMinor]:
    found = {LedgerAccount(row.account): AmountMinor(int(row.balance)) for row in rows}
    return dict(sorted(found.items()))


def booked_posting(row: Row[Any]) -> BookedPosting:
    """From a row of `ledger.postings` with its block's time and its transaction's hash."""
    return BookedPosting(
        block_number=row.block_number,
        log_index=row.log_index,
        posting_index=row.posting_index,
        block_time=row.block_time,
        transaction_hash=row.hash,
        booking_month=row.booking_month,
        posting=Posting(
            row.source,
            row.target,
            AmountMinor(int(row.amount_minor)),
            row.period,
            row.agreement_id,
            row.category,
        ),
    )
