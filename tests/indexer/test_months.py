"""The index's books of a month are the rules' books of the same postings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, insert

from indexer import tables
from indexer.queries import books
from indexer.queries.settlements import lines_booked_in
from node.migrate import migrate
from protocol.booking import BookedPosting, balances_of, books_of_month
from protocol.periods import PERIOD_MAX, booking_month_start, parse_period
from protocol.types import BookingMonth
from tests.indexer.book_rows import FINALITY_BLOCKS, write
from tests.protocol.booked_story import ACTS, booked, months_of, tell


@pytest.fixture(scope="module")
def engine(new_database: Callable[[], str]) -> Iterator[Engine]:
    """A migrated database that holds nothing."""
    made = create_engine(new_database())
    migrate(made)
    yield made
    made.dispose()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS, st.data())
def test_months_are_those_of_the_rules_and_closed_ones_never_change(
    engine: Engine, acts: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    postings = booked(tell(acts))
    cut = data.draw(st.integers(1, len(postings)))
    head = postings[cut - 1].block_number
    first = [each for each in postings if each.block_number <= head]
    rest = postings[len(first) :]
    with engine.connect() as connection:
        write(connection, first)
        then = check_months(connection, first)
        if rest:
            write(connection, rest)
            later = check_months(connection, postings)
            for month, read in then.items():
                assert not read.is_closed or later[month] == read
        connection.rollback()


def check_months(connection: Connection, postings: list[BookedPosting]) -> dict[int, object]:
    """Every month as the index has it, equal to the rules'."""
    final_number = postings[-1].block_number - FINALITY_BLOCKS
    times = [each.block_time for each in postings if each.block_number <= final_number]
    found = {}
    for month in map(BookingMonth, months_of(postings)):
        found[month] = books.read_month(connection, month, FINALITY_BLOCKS)
        assert found[month] == books_of_month(postings, month, times[-1] if times else None)
    assert list(books.list_postings(connection)) == postings
    assert books.balances(connection) == balances_of(each.posting for each in postings)
    assert books.count_postings(connection) == len(postings)
    assert books.booked_months(connection) == sorted({each.booking_month for each in postings})
    return found


def test_a_late_settlement_is_listed_in_the_month_in_which_it_is_settled(engine: Engine) -> None:
    """Two settlements of the use of October, one of them settled in the last second of November in
    Paris, the other one second later."""
    month = BookingMonth(parse_period("2026-11"))
    end = booking_month_start(BookingMonth(month + 1))
    with engine.connect() as connection:
        for number, time in ((1, end - 1), (2, end)):
            place = {"block_number": number, "log_index": 0}
            block = {"block_number": number, "block_hash": bytes(32), "block_time": time}
            begun = {**place, "transaction_hash": bytes(32)}
            use = {"agreement_id": bytes(32), "consumer": bytes(20), "period": month - 1}
            units = {"from_units": number - 1, "to_units": number, "usage_root": bytes(32)}
            line = {"line_index": 0, "payee": bytes(20), "category": 1, "unit_price_minor": 5}
            amounts = {"gross_minor": 5, "commission_minor": 1}
            connection.execute(insert(tables.blocks), block)
            connection.execute(insert(tables.transactions), begun)
            connection.execute(insert(tables.settlements), {**place, **use, **units, "amounts": []})
            connection.execute(insert(tables.settlement_lines), {**place, **line, **amounts})
        for offset, found in ((0, [1]), (1, [2]), (2, [])):
            lines = lines_booked_in(connection, BookingMonth(month + offset), None)
            assert [line.block_number for line in lines] == found
        assert lines_booked_in(connection, BookingMonth(PERIOD_MAX), None) == []
        connection.rollback()
