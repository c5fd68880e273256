"""The books of a month: what it opens with, what moves, what it closes with.

A posting is booked in the month of its block's time in Europe/Paris. The month closes at the first
final block whose time falls in a later month. Block times never run backwards and a final block is
never taken back, so no posting can come into a closed month: its books and their digest stay as
they are. A voucher that is settled late is booked in the month of its settlement and shown there
as of previous periods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from protocol.events import Origin
from protocol.periods import booking_month, period_label
from protocol.postings import LedgerAccount, Posting
from protocol.types import (
    AmountMinor,
    BookingMonth,
    Category,
    Hash32,
    Period,
    UnixSeconds,
    to_hex,
)

MINOR_PER_TOKEN = 1_000_000
CSV_HEADER = (
    "booking_month,block_number,log_index,posting_index,block_time,transaction_hash,"
    "source,target,amount,period,agreement_id,category\r\n"
)
"""The columns of `csv_line`. `block_time` is in Unix seconds, `amount` in tokens."""


@dataclass(frozen=True, slots=True)
class BookedPosting:
    """A posting where the chain has it, and the month in which it is booked."""

    block_number: int
    log_index: int
    posting_index: int
    block_time: UnixSeconds
    transaction_hash: Hash32
    booking_month: BookingMonth
    posting: Posting

    @property
    def place(self) -> tuple[int, int, int]:
        """Its key: block, log, and which of the log's postings it is."""
        return self.block_number, self.log_index, self.posting_index


@dataclass(frozen=True, slots=True)
class Movement:
    """What reached an account and what left it in a month, in base units, by category of commons
    and whether it is for a month of use before the booking month."""

    account: LedgerAccount
    category: Category | None
    is_of_previous_periods: bool
    received_minor: AmountMinor
    paid_minor: AmountMinor


@dataclass(frozen=True, slots=True)
class MonthBooks:
    """The books of a month; provisional until it is closed. The digest is `digest_of`."""

    month: BookingMonth
    is_closed: bool
    opening: Mapping[LedgerAccount, AmountMinor]
    movements: tuple[Movement, ...]
    closing: Mapping[LedgerAccount, AmountMinor]
    digest: Hash32


def book(posting: Posting, origin: Origin, posting_index: int) -> BookedPosting:
    """The posting as the books hold it: `posting_index` counts within the event at `origin`."""
    return BookedPosting(
        origin.block_number,
        origin.log_index,
        posting_index,
        origin.block_time,
        origin.transaction_hash,
        booking_month(origin.block_time),
        posting,
    )


def is_closed(month: BookingMonth, newest_final_time: UnixSeconds | None) -> bool:
    """Whether a final block's time falls in a later month; None where no block is final yet."""
    return newest_final_time is not None and booking_month(newest_final_time) > month


def is_of_previous_periods(period: Period | None, month: BookingMonth) -> bool:
    """Whether what is booked in a month is for the use of an earlier one."""
    return period is not None and period < month


def books_of_month(
    booked: Iterable[BookedPosting], month: BookingMonth, newest_final_time: UnixSeconds | None
) -> MonthBooks:
    """The books of a month out of all postings, in the order of the chain."""
    all_booked = list(booked)
    own = [each for each in all_booked if each.booking_month == month]
    opening = balances_of(each.posting for each in all_booked if each.booking_month < month)
    movements = movements_of(own)
    return MonthBooks(
        month=month,
        is_closed=is_closed(month, newest_final_time),
        opening=opening,
        movements=movements,
        closing=close(opening, movements),
        digest=digest_of(own),
    )


def balances_of(postings: Iterable[Posting]) -> dict[LedgerAccount, AmountMinor]:
    """What reached each account less what left it. The sum over all is zero."""
    balances: dict[LedgerAccount, AmountMinor] = {}
    for posting in postings:
        for account, amount in (
            (posting.source, -posting.amount_minor),
            (posting.target, posting.amount_minor),
        ):
            balances[account] = AmountMinor(balances.get(account, 0) + amount)
    return dict(sorted(balances.items()))


def movements_of(booked: Iterable[BookedPosting]) -> tuple[Movement, ...]:
    """The movements of each account by category and whether they are for previous periods."""
    sums: dict[tuple[LedgerAccount, int, bool], list[int]] = {}
    for each in booked:
        posting = each.posting
        category = -1 if posting.category is None else posting.category
        is_late = is_of_previous_periods(posting.period, each.booking_month)
        for side, account in enumerate((posting.target, posting.source)):
            sums.setdefault((account, category, is_late), [0, 0])[side] += posting.amount_minor
    return tuple(
        Movement(
            account,
            None if category < 0 else Category(category),
            is_late,
            AmountMinor(received),
            AmountMinor(paid),
        )
        for (account, category, is_late), (received, paid) in sorted(sums.items())
    )


def close(
    opening: Mapping[LedgerAccount, AmountMinor], movements: Iterable[Movement]
) -> dict[LedgerAccount, AmountMinor]:
    """Closing balances: what a month opened with and what moved in it."""
    closing = dict(opening)
    for movement in movements:
        change = movement.received_minor - movement.paid_minor
        closing[movement.account] = AmountMinor(closing.get(movement.account, 0) + change)
    return dict(sorted(closing.items()))


def digest_of(booked: Iterable[BookedPosting]) -> Hash32:
    """SHA-256 of the postings' CSV file: what `sha256sum` says of a month's export."""
    digest = hashlib.sha256(CSV_HEADER.encode())
    for each in booked:
        digest.update(csv_line(each).encode())
    return Hash32(digest.digest())


def csv_line(booked: BookedPosting) -> str:
    """A posting as a line of RFC 4180. No field needs quotes: all are numbers, names of accounts
    and hexadecimal."""
    posting = booked.posting
    fields: tuple[object, ...] = (
        period_label(booked.booking_month),
        *booked.place,
        booked.block_time,
        to_hex(booked.transaction_hash),
        posting.source,
        posting.target,
        amount_text(posting.amount_minor),
        "" if posting.period is None else period_label(posting.period),
        "" if posting.agreement_id is None else to_hex(posting.agreement_id),
        "" if posting.category is None else posting.category,
    )
    return ",".join(map(str, fields)) + "\r\n"


def amount_text(amount_minor: int) -> str:
    """Base units as tokens with six decimals: 1,250,000 is `1.250000`."""
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), MINOR_PER_TOKEN)
    return f"{sign}{whole}.{part:06d}"
