"""A month opens with what the months before left, and what is closed stays as it is."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.booking import (
    CSV_HEADER,
    balances_of,
    books_of_month,
    csv_line,
    is_closed,
)
from protocol.periods import booking_month, booking_month_start, parse_period
from protocol.postings import LedgerAccount
from protocol.types import AmountMinor, BookingMonth, Period, UnixSeconds, to_hex
from tests.protocol.booked_story import ACTS, DAY_SECONDS, booked, months_of, tell
from tests.protocol.ledger_story import Story


@given(ACTS)
def test_opening_and_movements_make_the_closing_with_which_the_next_month_opens(
    acts: list[tuple[str, int, int]],
) -> None:
    story = tell(acts)
    postings = booked(story)
    before: dict[LedgerAccount, AmountMinor] = {}
    for month in months_of(postings):
        books = books_of_month(postings, BookingMonth(month), None)
        assert books.opening == before
        for account, amount in books.closing.items():
            moved = sum(
                movement.received_minor - movement.paid_minor
                for movement in books.movements
                if movement.account == account
            )
            assert amount == books.opening.get(account, 0) + moved
        assert sum(books.closing.values()) == 0
        received = sum(movement.received_minor for movement in books.movements)
        assert received == sum(movement.paid_minor for movement in books.movements)
        before = dict(books.closing)
    assert before == {account: story.state.money[account] for account in sorted(before)}
    assert before == balances_of(posting for _, posting in story.state.journal)


@given(ACTS, st.data())
def test_a_closed_month_never_changes(
    acts: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """At any block taken as the newest final one, all months before its own are as they will be."""
    postings = booked(tell(acts))
    final = data.draw(st.integers(0, len(postings) - 1))
    time = postings[final].block_time
    known = [each for each in postings if each.block_number <= postings[final].block_number]
    for month in map(BookingMonth, months_of(postings)):
        then = books_of_month(known, month, time)
        later = books_of_month(postings, month, postings[-1].block_time)
        assert then.is_closed == (booking_month(time) > month)
        if then.is_closed:
            assert then == later


def test_a_late_voucher_is_booked_in_the_month_of_its_settlement() -> None:
    story = Story().begin()
    story.issue(10**6)
    story.deposit(10**6)
    story.settle(20)
    first = booking_month(story.time)
    story.time = booking_month_start(BookingMonth(first + 1))
    closed = books_of_month(booked(story), first, story.time)
    assert closed.is_closed
    story.time = UnixSeconds(story.time + DAY_SECONDS)  # the month of use begins later, in UTC
    story.settle(5)
    story.settle(7, Period(first + 1))
    assert books_of_month(booked(story), first, story.time) == closed
    books = books_of_month(booked(story), BookingMonth(first + 1), story.time)
    assert not books.is_closed
    commissions = {
        (movement.category, movement.is_of_previous_periods)
        for movement in books.movements
        if movement.account == "commission"
    }
    assert (1, True) in commissions
    assert (2, False) in commissions


@pytest.mark.parametrize(
    ("moment", "closed"),
    [("2026-10-31T22:59:59", False), ("2026-10-31T23:00:00", True), ("2027-05-01T00:00:00", True)],
)
def test_a_month_closes_at_midnight_in_paris(moment: str, closed: bool) -> None:
    time = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
    october = BookingMonth(parse_period("2026-10"))
    assert is_closed(october, UnixSeconds(time)) is closed
    assert not is_closed(october, None)


def test_a_month_begins_where_booking_says() -> None:
    for month in range(0, 1_200):
        start = booking_month_start(BookingMonth(month))
        if month:
            assert booking_month(UnixSeconds(start - 1)) == month - 1
        assert booking_month(UnixSeconds(max(start, 0))) == month


def test_the_digest_is_that_of_the_months_file() -> None:
    story = tell([("settle", 30, 0), ("settle late", 60, 0)])
    postings = booked(story)
    month = postings[0].booking_month
    own = [each for each in postings if each.booking_month == month]
    text = CSV_HEADER + "".join(map(csv_line, own))
    digest = books_of_month(postings, month, None).digest
    assert digest == hashlib.sha256(text.encode()).digest()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(own)
    for row, each in zip(rows, own, strict=True):
        assert (row["source"], row["target"]) == (each.posting.source, each.posting.target)
        assert int(row["amount"].replace(".", "")) == each.posting.amount_minor
        assert row["transaction_hash"] == to_hex(each.transaction_hash)
