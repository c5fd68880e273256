"""The books of some accounts in a month: what they open with, what moves and why, and each posting.

Read several of these in one REPEATABLE READ transaction, so that they agree with each other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)

from indexer import tables
from indexer.queries.books import booked_posting
from indexer.queries.places import in_block, transaction_of
from protocol.booking import BookedPosting
from protocol.postings import LedgerAccount
from protocol.types import AgreementId, AmountMinor, BookingMonth, Category

_P = tables.postings.c


def _kind_of(account: ColumnElement[str]) -> ColumnElement[str]:
    return func.split_part(account, literal_column("':'"), literal_column("1"))


_NOTHING = literal(0)
_IS_LATE = (_P.period.is_not(None) & (_P.period < _P.booking_month)).label("is_late")
_WHY = (_P.agreement_id, _P.category, _IS_LATE, _P.booking_month)
_SIDES = union_all(
    select(
        _P.target.label("account"),
        _kind_of(_P.source).label("other_kind"),
        _P.amount_minor.label("received"),
        _NOTHING.label("paid"),
        *_WHY,
    ),
    select(_P.source, _kind_of(_P.target), _NOTHING, _P.amount_minor, *_WHY),
).subquery("sides")
"""Each posting twice, as in `indexer.queries.books`, with the kind of the account on the other
side."""


class PostingPlace(NamedTuple):
    """Where a posting stands in one history of the chain."""

    block_number: int
    log_index: int
    posting_index: int


@dataclass(frozen=True, slots=True)
class AccountMovement:
    """What reached an account and what left it in a month, in base units: `other_kind` is what the
    names of the accounts on the other side begin with, such as `commission`."""

    account: LedgerAccount
    other_kind: str
    agreement_id: AgreementId | None
    category: Category | None
    is_of_previous_periods: bool
    received_minor: AmountMinor
    paid_minor: AmountMinor


def months_booked(
    connection: Connection, accounts: Collection[LedgerAccount]
) -> list[BookingMonth]:
    """The months in which one of these accounts moved, the newest first."""
    month = _SIDES.c.booking_month
    statement = (
        select(month).where(_SIDES.c.account.in_(accounts)).distinct().order_by(month.desc())
    )
    return [BookingMonth(each) for each in connection.scalars(statement)]


def opening_of(
    connection: Connection, accounts: Collection[LedgerAccount], month: BookingMonth
) -> dict[LedgerAccount, AmountMinor]:
    """What each of these accounts held before a month; one that had never moved is absent."""
    account, sides = _SIDES.c.account, _SIDES.c
    statement = (
        select(account, func.sum(sides.received - sides.paid))
        .where(account.in_(accounts), sides.booking_month < month)
        .group_by(account)
        .order_by(account)
    )
    return {
        LedgerAccount(name): AmountMinor(int(held)) for name, held in connection.execute(statement)
    }


def movements_in(
    connection: Connection, accounts: Collection[LedgerAccount], month: BookingMonth
) -> list[AccountMovement]:
    """What moved these accounts in a month, and why."""
    sides = _SIDES.c
    key = (sides.account, sides.other_kind, sides.agreement_id, sides.category, sides.is_late)
    statement = (
        select(*key, func.sum(sides.received), func.sum(sides.paid))
        .where(sides.account.in_(accounts), sides.booking_month == month)
        .group_by(*key)
        .order_by(
            sides.account,
            sides.agreement_id.nulls_first(),
            sides.category.nulls_first(),
            sides.is_late,
            sides.other_kind,
        )
    )
    return [
        AccountMovement(
            *(account, other_kind, agreement, category, is_late),
            received_minor=AmountMinor(int(received)),
            paid_minor=AmountMinor(int(paid)),
        )
        for account, other_kind, agreement, category, is_late, received, paid in (
            connection.execute(statement)
        )
    ]


def postings_of(
    connection: Connection,
    accounts: Collection[LedgerAccount],
    month: BookingMonth,
    after: PostingPlace | None,
    limit: int,
) -> list[BookedPosting]:
    """Postings of a month to or from these accounts, in the order of the chain, those after a
    place."""
    place = (_P.block_number, _P.log_index, _P.posting_index)
    statement = (
        select(
            tables.postings,
            tables.blocks.c.block_time,
            transaction_of(tables.postings).label("hash"),
        )
        .join(tables.blocks, in_block(tables.postings))
        .where(_P.booking_month == month, or_(_P.source.in_(accounts), _P.target.in_(accounts)))
        .order_by(*place)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(*place) > tuple_(*after))
    return [booked_posting(row) for row in connection.execute(statement)]
