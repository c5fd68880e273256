"""Pages of settled lines, of rates, of events and of organisations are the whole list, cut."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from indexer.queries.books import booked_months
from indexer.queries.events import EventRow, Place, events_from
from indexer.queries.participants import find_participants, list_served
from indexer.queries.rates import RateRow, list_rates
from indexer.queries.settlements import SettlementLine, lines_booked_in, totals_booked_in
from protocol.events import OperatorDelegated, ParticipantAdmitted
from protocol.identifiers import organisation_id
from protocol.types import BookingMonth, UnixSeconds
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


ABOUT = ("ParticipantAdmitted", "AccountBound", "AccountRetired", "OperatorDelegated")
NAMING = {"organisation", "operator", "consumer"}


@pytest.mark.parametrize("names", [ABOUT, ("UsageSettled",)])
def test_events_of_an_organisation_are_those_of_all_that_name_it(
    bench: Bench, names: tuple[str, ...]
) -> None:
    mine_all(bench.chain, tell(11, 80), 11)
    bench.index.reach(bench.chain)
    with bench.index.connect() as connection:
        whole = events_from(connection, Place(0, 0), bench.chain.head.number, names, 10_000)
        named = {value for each in whole for value in values_of(each)}
        assert len(named) > len(names) // 2
        for organisation in named:
            of_one = [each for each in whole if organisation in values_of(each)]
            paged: list[EventRow] = []
            first = Place(0, 0)
            while page := events_from(
                connection,
                first,
                bench.chain.head.number,
                names,
                2,
                bytes.fromhex(organisation[2:]),
            ):
                paged += page
                first = Place(page[-1].place.block_number, page[-1].place.log_index + 1)
            assert paged == of_one
        nobody = events_from(
            connection, Place(0, 0), bench.chain.head.number, names, 2, b"\x01" * 20
        )
        assert nobody == []


def values_of(event: EventRow) -> set[str]:
    """The organisations that it names."""
    return {value for name, value in event.arguments.items() if name in NAMING}


MEMBERS = [f"did:web:member-{number}.example" for number in range(5)]


def test_pages_of_an_operator_are_those_that_let_it_act_at_the_time(bench: Bench) -> None:
    operator, *others = (organisation_id(did) for did in MEMBERS)
    admitted = [ParticipantAdmitted(organisation_id(did), did, 1, 0) for did in MEMBERS]
    one, two, three, four = others
    mine_all(bench.chain, [*tell(11, 5), [*admitted]], 11)
    for organisation, scopes, expires_at in (
        *((one, 4, 100), (two, 4, 200), (three, 4, 300), (four, 0, 0), (two, 4, 250)),
        *((three, 0, 300), (four, 4, 300), (one, 6, 150)),
    ):
        given = OperatorDelegated(organisation, operator, scopes, UnixSeconds(expires_at))
        bench.chain.mine([given], seconds=1)
    bench.index.reach(bench.chain)
    with bench.index.connect() as connection:
        for time, expected in (
            *((0, {one, two, four}), (149, {one, two, four}), (150, {two, four})),
            *((249, {two, four}), (250, {four}), (300, set())),
        ):
            served: list[bytes] = []
            after = b""
            while page := list_served(connection, operator, time, after, 1):
                served += [each.organisation for each in page]
                after = served[-1]
            assert served == sorted(expected), time
        assert list_served(connection, one, 0, b"", 1) == []
        [row] = find_participants(connection, [three, b"\x01" * 20])
        assert row.delegations == (), "it was ended"
