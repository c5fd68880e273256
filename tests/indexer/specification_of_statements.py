"""What the queries of an organisation's statements and use must say, by the rules' fold of the
events that a scripted chain told."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection

from indexer.queries import settlements, statements, use
from indexer.queries.statements import AccountMovement, PostingPlace
from indexer.queries.use import PaidUse, Use
from protocol.booking import BookedPosting
from protocol.postings import LedgerAccount
from protocol.types import AmountMinor, BookingMonth, Period, Units
from tests.indexer.specification import PAGE, Known, all_pages
from tests.indexer.specification_of_money import booked_of, lines_of
from tests.protocol.ledger_story import EMPLOYER, SCHOOL


def require_same_statements(connection: Connection, known: Known) -> None:
    booked = booked_of(known)
    every = sorted({a for each in booked for a in (each.posting.source, each.posting.target)})
    for accounts in (every, every[::2]):
        months = sorted({each.booking_month for each in of(accounts, booked)}, reverse=True)
        assert statements.months_booked(connection, accounts) == months
        for month in {*months, *(BookingMonth(each + 1) for each in months)}:
            require_same_month(connection, booked, accounts, month)
    require_same_paid_use(connection, known)


def of(accounts: list[LedgerAccount], booked: list[BookedPosting]) -> list[BookedPosting]:
    return [each for each in booked if {each.posting.source, each.posting.target} & {*accounts}]


def require_same_month(
    connection: Connection,
    booked: list[BookedPosting],
    accounts: list[LedgerAccount],
    month: BookingMonth,
) -> None:
    opening, received, paid = Counter[str](), Counter[Any](), Counter[Any]()
    for each in booked:
        posting = each.posting
        late = posting.period is not None and posting.period < each.booking_month
        for account, other, sums, sign in (
            (posting.target, posting.source, received, 1),
            (posting.source, posting.target, paid, -1),
        ):
            if account not in accounts:
                continue
            if each.booking_month < month:
                opening[account] += sign * posting.amount_minor
            elif each.booking_month == month:
                why = (posting.agreement_id, posting.category, late)
                sums[account, other.split(":")[0], *why] += posting.amount_minor
    assert statements.opening_of(connection, accounts, month) == dict(opening)
    found = statements.movements_in(connection, accounts, month)
    assert len(found) == len({*received, *paid})
    assert {*found} == {
        AccountMovement(*key, AmountMinor(received[key]), AmountMinor(paid[key]))
        for key in {*received, *paid}
    }

    def page(after: BookedPosting | None) -> list[BookedPosting]:
        place = PostingPlace(*after.place) if after else None
        return statements.postings_of(connection, accounts, month, place, PAGE)

    assert all_pages(page) == [e for e in of(accounts, booked) if e.booking_month == month]


def require_same_paid_use(connection: Connection, known: Known) -> None:
    settled = known.state.settled
    for agreements in ([key[0] for key in settled], [b"\x01" * 32]):
        own = {key: units for key, units in settled.items() if key[0] in agreements}
        assert settlements.settled_units_under(connection, agreements) == own
    lines = lines_of(known)
    periods = [line.period for line in lines] or [Period(0)]
    for payee in (SCHOOL, EMPLOYER):
        units, gross, commission = Counter[Any](), Counter[Any](), Counter[Any]()
        counted = set()
        for line in lines:
            key = (line.agreement_id, line.consumer, line.period)
            if line.payee != payee:
                continue
            gross[key] += line.gross_minor
            commission[key] += line.commission_minor
            if line.place[:2] not in counted:
                counted.add(line.place[:2])
                units[key] += line.to_units - line.from_units
        expected = [
            PaidUse(
                *key,
                Use(Units(units[key]), AmountMinor(gross[key]), AmountMinor(commission[key])),
            )
            for key in sorted(units, key=lambda key: (-key[2], key[0], key[1]))
        ]
        assert use.use_paid_to(connection, payee, min(periods), max(periods)) == expected
