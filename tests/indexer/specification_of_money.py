"""What the queries must say of money, by the rules' fold of the events that a scripted chain told.

What accounts held at times that have passed is compared in `test_balances_at`.
"""

from __future__ import annotations

from sqlalchemy import Connection

from indexer.queries import books, settlements
from indexer.queries.leavings import leavings_of
from indexer.queries.settlements import LinePlace, LineTotals, SettlementLine, SettlementPlace
from protocol import ledger
from protocol.booking import BookedPosting, balances_of, book, books_of_month
from protocol.events import UsageSettled
from protocol.periods import booking_month
from protocol.types import AmountMinor, BookingMonth, OrganisationId, Units
from tests.indexer.scripted_chain import ScriptedChain
from tests.indexer.specification import Known
from tests.protocol.ledger_story import EMPLOYER, SCHOOL

FINALITY_BLOCKS = 3
STRANGER = OrganisationId(b"\x01" * 20)


def require_same_money(connection: Connection, chain: ScriptedChain, known: Known) -> None:
    require_same_books(connection, chain, known)
    require_same_settlements(connection, known)
    require_same_leavings(connection, known)


def require_same_books(connection: Connection, chain: ScriptedChain, known: Known) -> None:
    state, booked = known.state, booked_of(known)
    assert books.balances(connection) == state.money
    assert sum(state.money.values()) == 0
    kinds: dict[str, int] = {}
    for account, amount in state.money.items():
        kinds[account.split(":")[0]] = kinds.get(account.split(":")[0], 0) + amount
        assert books.balance(connection, account) == amount == ledger.money_in(state, account)
    assert books.balances_by_kind(connection) == kinds
    assert list(books.list_postings(connection)) == booked
    assert books.count_postings(connection) == len(booked)
    first, last = chain.head.number // 3, chain.head.number * 2 // 3
    between = [each.posting for each in booked if first <= each.block_number <= last]
    assert books.balance_changes(connection, first, last) == balances_of(between)
    months = sorted({each.booking_month for each in booked})
    assert books.booked_months(connection) == months
    final = chain.blocks[max(chain.head.number - FINALITY_BLOCKS, 0)]
    newest = books.newest_final_time(connection, FINALITY_BLOCKS)
    assert newest == (final.time if final.number else None)
    for month in months:
        own = [each for each in booked if each.booking_month == month]
        assert list(books.list_postings(connection, month)) == own
        found = books.read_month(connection, month, FINALITY_BLOCKS)
        assert found == books_of_month(booked, month, newest)


def booked_of(known: Known) -> list[BookedPosting]:
    """The journal of the rules, each posting with its place."""
    found: list[BookedPosting] = []
    for origin, posting in known.state.journal:
        place = (origin.block_number, origin.log_index)
        index = sum((each.block_number, each.log_index) == place for each in found)
        found.append(book(posting, origin, index))
    return found


def require_same_settlements(connection: Connection, known: Known) -> None:
    for key, units in known.state.settled.items():
        told = [
            (event, origin)
            for event, origin in known.of(UsageSettled)
            if (event.agreement_id, event.consumer, event.period) == key
        ]
        assert settlements.settled_units(connection, *key) == units
        last = settlements.last_settlement_block(connection, *key)
        assert last == told[-1][1].block_number
        for asked in (1, units // 2, units, units + 1):
            place = next(
                (
                    SettlementPlace(origin.block_number, origin.transaction_hash)
                    for event, origin in told
                    if event.to_units >= asked
                ),
                None,
            )
            assert settlements.find_settlement_up_to(connection, *key, asked) == place
    lines = lines_of(known)
    for organisation in (None, SCHOOL, EMPLOYER, STRANGER):
        for month in {booking_month(line.settled_at) for line in lines}:
            own = [
                line
                for line in lines
                if booking_month(line.settled_at) == month
                and organisation in (None, line.consumer, line.payee)
            ]
            require_same_lines(connection, month, organisation, own)


def require_same_leavings(connection: Connection, known: Known) -> None:
    agreements = list(known.state.agreements)
    for organisation in (SCHOOL, EMPLOYER, STRANGER):
        asked = {each: ledger.leaving_of(known.state, each, organisation) for each in agreements}
        standing = {each: leaving for each, leaving in asked.items() if leaving is not None}
        assert leavings_of(connection, organisation, agreements) == standing


def require_same_lines(
    connection: Connection,
    month: BookingMonth,
    organisation: OrganisationId | None,
    own: list[SettlementLine],
) -> None:
    assert settlements.lines_booked_in(connection, month, organisation) == own
    after = LinePlace(*own[0].place) if own else None
    rest = settlements.lines_booked_in(connection, month, organisation, after, 3)
    assert rest == own[1:4]
    gross = AmountMinor(sum(line.gross_minor for line in own))
    commission = AmountMinor(sum(line.commission_minor for line in own))
    totals = settlements.totals_booked_in(connection, month, organisation)
    assert totals == LineTotals(gross, commission)


def lines_of(known: Known) -> list[SettlementLine]:
    """Every price line of every settlement, in the order of the chain."""
    return [
        SettlementLine(
            *(event.agreement_id, event.consumer, event.period),
            *(Units(event.from_units), Units(event.to_units), index),
            *(line.payee, line.category, line.unit_price),
            *(amount.gross, amount.commission_rounded_down),
            *(origin.block_time, origin.block_number, origin.log_index, origin.transaction_hash),
        )
        for event, origin in known.of(UsageSettled)
        for index, (line, amount) in enumerate(
            zip(known.state.agreements[event.agreement_id].terms.lines, event.amounts, strict=True)
        )
    ]
