"""Pages of settled lines and of rates are the whole list, cut."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from indexer.queries.books import booked_months
from indexer.queries.rates import RateRow, list_rates
from indexer.queries.settlements import SettlementLine, lines_booked_in, totals_booked_in
from protocol.types import BookingMonth
from tests.indexer.conftest import Bench
from tests.indexer.histories import mine_all, tell
from tests.protocol.ledger_story import EMPLOYER, SCHOOL


@pytest.mark.parametrize("organisation", [None, SCHOOL, EMPLOYER, b"\x01" * 20])
@pytest.mark.parametrize("size", [1, 3])
def test_pages_of_lines_are_the_whole(bench: Bench, organisation: bytes | None, size: int) -> None:
    mine_all(bench.chain, tell(11, 80), 11)
    bench.index.reach(bench.chain)
    with bench.index.connect() as connection:
        months = booked_months(connection)
        found = [require_pages(connection, month, organisation, size) for month in months]
    assert (sum(found) > 3 * size) == (organisation != b"\x01" * 20)


def require_pages(
    connection: Connection, month: BookingMonth, organisation: bytes | None, size: int
) -> int:
    whole = lines_booked_in(connection, month, organisation)
    paged: list[SettlementLine] = []
    while page := lines_booked_in(
        connection, month, organisation, paged[-1].place if paged else None, size
    ):
        assert len(page) <= size
        paged += page
    assert paged == whole
    places = [line.place for line in whole]
    assert places == sorted(set(places))
    totals = totals_booked_in(connection, month, organisation)
    assert totals.gross_minor == sum(line.gross_minor for line in whole)
    assert totals.commission_minor == sum(line.commission_minor for line in whole)
    assert totals.net_minor == sum(line.net_minor for line in whole)
    return len(whole)


def test_pages_of_rates_are_the_whole(bench: Bench) -> None:
    mine_all(bench.chain, tell(11, 5), 11)
    bench.index.reach(bench.chain)
    with bench.index.connect() as connection:
        for known_at in (None, bench.chain.head.time, bench.chain.blocks[0].time - 1):
            whole = list_rates(connection, known_at)
            paged: list[RateRow] = []
            after = None
            while page := list_rates(connection, known_at, after, 1):
                paged += page
                after = (page[-1].category, page[-1].from_period)
            assert paged == whole
        assert len(list_rates(connection)) > 1
