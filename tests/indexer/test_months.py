"""The index's books of a month are the rules' books of the same postings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine

from indexer.queries import books
from node.migrate import migrate
from protocol.booking import BookedPosting, balances_of, books_of_month
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


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
