"""What the governance's page is made of: plots, CSV, proposals, and figures that are kept."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from indexer.cursor import BlockRef
from indexer.queries.events import NAMING, EventRow, Place, _argument_writers
from indexer.queries.history import _AGREEMENT_EVENTS as HISTORY
from indexer.queries.proposals import ProposedCallRow
from indexer.queries.rates import RateRow
from indexer.queries.use import Use
from indexer.tables import EVENT_TABLES
from node.api.governance.event_words import (
    Argument,
    arguments_in_words,
    organisations_in,
    scopes_in_words,
)
from node.api.governance.figures import Asked, Figures, Proposal
from node.api.governance.listings import BY_ORGANISATION, KINDS
from node.api.governance.memory import KEPT_MAX, KEPT_PER_SECOND_OF_READING, FiguresMemory
from node.api.governance.page import page_values
from node.api.governance.plots import PLOT_HEIGHT, TICKS_MAX, TOP, plot_columns, step_of
from node.api.governance.sections import COLUMNS, HELD, TABLES
from node.api.governance.tables import Cell, Column, Kind, Table, in_words, to_csv
from node.api.page_rendering import FORM_HEADERS, LANGUAGES, SECURITY_HEADERS
from node.api.routes.governance import read_proposal
from node.api.texts import texts_of
from node.api.wording import wording_of
from protocol.events import EVENT_TYPES, ConsentEnded, LeavesAnchored
from protocol.hashing import keccak256
from protocol.periods import parse_period, period_start
from protocol.types import (
    AmountMinor,
    Category,
    ContractAddress,
    Hash32,
    OrganisationId,
    Period,
    RateBps,
    Units,
    UnixSeconds,
    to_hex,
)

EN, FR = wording_of("en"), wording_of("fr")
LAST = parse_period("2026-11")
MONTHS = Asked(LAST).months
SHOWN = {name for names in KINDS.values() for name in names}
counts = st.lists(st.integers(0, 2**80), min_size=12, max_size=12)


@given(st.integers(0, 2**200))
def test_a_step_is_round_and_few_reach_the_highest(highest: int) -> None:
    step = step_of(highest)
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert step * TICKS_MAX >= highest
    assert step == 1 or step * TICKS_MAX < highest * 4


@given(counts, counts)
def test_bars_are_as_high_as_their_values_and_stand_on_each_other(
    below: list[int], above: list[int]
) -> None:
    series = [("below", below), ("above", above)]
    plot = plot_columns(EN, MONTHS, series, str, str)
    assert len(plot.columns) == 12
    top_line = int(plot.lines[-1].words)
    for column, first, second in zip(plot.columns, below, above, strict=True):
        assert [bar.series for bar in column.bars] == [n for n in (0, 1) if (first, second)[n]]
        bottom = float(plot.base)
        for bar, value in zip(column.bars, filter(None, (first, second)), strict=True):
            assert bar.height == pytest.approx(PLOT_HEIGHT * value / top_line, abs=0.01)
            assert bar.top + bar.height == pytest.approx(bottom, abs=0.02)
            assert bar.words.endswith(str(value))
            bottom = bar.top
        assert bottom >= TOP - 0.02
        assert 0 <= column.left <= column.left + plot.width <= 100


def test_no_two_years_stand_on_each_other() -> None:
    for last in range(LAST, LAST + 12):
        plot = plot_columns(EN, Asked(Period(last)).months, [("", [0] * 12)], str, str)
        years = [place for place, column in enumerate(plot.columns) if column.year]
        assert years
        assert all(after - before > 2 for before, after in pairwise(years))


def test_a_file_is_the_table_for_programs() -> None:
    columns = (
        Column("month", "governance.columns.month", Kind.MONTH),
        Column("amount", "governance.columns.amount", Kind.MONEY),
        Column("standing", "governance.columns.standing", Kind.TERM),
        Column("operator", "governance.columns.operator", Kind.NAME),
        Column("set_at", "governance.columns.setAt", Kind.TIME),
    )
    values = (LAST, -1_500_000, "governance.standings.past", 'did:web:a"b,c', 1_795_793_633)
    table = Table("any", columns, [[Cell(value) for value in values]])
    [head, row] = csv.reader(io.StringIO(to_csv(table)))
    assert head == ["month", "amount", "standing", "operator", "set_at"]
    assert row == ["2026-11", "-1.500000", "past", 'did:web:a"b,c', "2026-11-27T15:33:53Z"]
    assert in_words(table, EN)[0][:3] == ["November 2026", "\N{MINUS SIGN}€1.50", "past"]


@pytest.mark.parametrize(
    ("category", "rate", "proposal"),
    [
        ("1", "0", Proposal(Category(1), RateBps(0))),
        ("65535", "1000", Proposal(Category(65_535), RateBps(1_000))),
        *(("1", bad, None) for bad in ("", "1001", "-1", "1.5", "x", "²", "9" * 5_000)),
        *((bad, "1", None) for bad in ("", "65536", "-1", "one")),
    ],
)
def test_a_proposal_is_one_that_a_vote_could_set(
    category: str, rate: str, proposal: Proposal | None
) -> None:
    assert read_proposal(category, rate) == proposal


def test_twelve_months_are_shown_and_none_before_the_first() -> None:
    assert (MONTHS[0], MONTHS[-1], len(MONTHS)) == (parse_period("2025-12"), LAST, 12)
    assert Asked(Period(3)).months == [0, 1, 2, 3]


def figures_with(**values: Any) -> Figures:
    nothing: dict[str, Any] = {field.name: {} for field in fields(Figures)}
    block = BlockRef(9, bytes(32), UnixSeconds(period_start(LAST)))
    return Figures(**{**nothing, "asked": Asked(LAST), "block": block, **values})


def test_of_each_category_one_rate_is_in_force_and_later_ones_are_pending() -> None:
    history = [
        RateRow(Category(category), Period(LAST + months), RateBps(bps), UnixSeconds(0))
        for category, months, bps in (
            *((1, -9, 100), (1, -3, 200), (1, 0, 300), (1, 2, 400), (1, 5, 500)),
            *((2, -1, 100), (3, 1, 100)),
        )
    ]
    rows = TABLES["rates"](figures_with(rates=history)).rows
    assert [row[3].value.rpartition(".")[2] for row in rows] == [
        *("past", "past", "current", "pending", "pending"),
        *("current", "pending"),
    ]
    values = page_values(figures_with(rates=history), EN)
    assert [rate.rate_bps for rate in values["pending"]] == [400, 500, 100]


def test_a_rate_from_a_month_beyond_all_calendars_breaks_no_page() -> None:
    far = RateRow(Category(1), Period(2**32 - 1), RateBps(100), UnixSeconds(0))
    figures = figures_with(rates=[far])
    values = page_values(figures, EN)
    assert in_words(values["tables"]["rates"], FR)[0][1] == "4294967295"
    assert "4294967295" in to_csv(values["tables"]["rates"])
    assert (values["rate_plot"], len(values["pending"])) == (None, 1)
    told = event_of("RateSet", category=1, fromPeriod=2**32 - 1, rateBps=100)
    assert [*arguments_in_words(told, EN, {})][1].words == "4294967295"


def test_what_waits_in_the_timelock_is_told_in_words_or_as_it_is() -> None:
    def call(number: int, contract: bytes, data: bytes, delay: int) -> ProposedCallRow:
        operation, now = Hash32(bytes([number]) * 32), UnixSeconds(1_790_000_000)
        return ProposedCallRow(operation, 0, ContractAddress(contract), 0, data, now, now + delay)

    policy, treasury, stranger = (bytes([each]) * 20 for each in (1, 2, 3))
    set_rate = keccak256(b"setRate(uint16,uint32,uint16)")[:4]
    october = set_rate + encode(["uint16", "uint32", "uint16"], [2, parse_period("2027-10"), 250])
    never = set_rate + encode(["uint16", "uint32", "uint16"], [2, 2**32 - 1, 250])
    figures = figures_with(
        proposed_calls=[
            call(1, policy, october, 3_600),
            call(2, policy, never, 2**200),
            call(3, treasury, b"\x12\x34", 0),
            call(4, stranger, b"", 0),
        ],
        contracts={policy: "CommissionPolicy", treasury: "CommonsTreasury"},
    )
    table = TABLES["proposals"](figures)
    assert [row[0] for row in in_words(table, EN)] == [
        "Category 2: 2.5% from October 2027 on",
        f"CommissionPolicy.setRate(category=2, fromPeriod={2**32 - 1}, rateBps=250)",
        "CommonsTreasury 0x1234",
        "0x" + "03" * 20 + " 0x",
    ]
    first, second = (row[2].value - row[1].value for row in table.rows[:2])
    assert first == 3_600
    assert second < 2**40
    assert "9999-12-31T23:59:59Z" in to_csv(table)


def test_an_organisation_counts_for_its_operator_and_the_largest_is_named() -> None:
    school, other, operator = (OrganisationId(bytes([n]) * 20) for n in (1, 2, 3))
    used = Use(Units(10), AmountMinor(1_000), AmountMinor(50))
    figures = figures_with(
        leaves_by_issuer={school: 30, other: 10},
        use_by_consumer={other: used},
        operators={school: operator},
        dids={operator: "did:web:operator.example"},
    )
    rows = TABLES["operators"](figures).rows
    assert [[cell.value for cell in row] for row in rows] == [
        ["did:web:operator.example", 1, 30, 7_500, 0, 0],
        [to_hex(other), 1, 10, 2_500, 10, 10_000],
    ]
    sources = [[cell.source for cell in row[:2]] for row in rows]
    assert sources == [
        [f"/participants/{to_hex(operator)}", f"/participants?operator={to_hex(operator)}"],
        [None, f"/participants?operator={to_hex(other)}"],
    ]
    shares = page_values(figures, EN)["shares"]
    assert (shares["leaves"].largest, shares["leaves"].index) == ("did:web:operator.example", 6_250)
    assert (shares["units"].largest_bps, shares["units"].index) == (10_000, 10_000)
    assert EN.number(shares["leaves"].equals) == "1.6"
    [row] = TABLES["use-by-operator"](figures).rows
    assert [cell.value for cell in row] == [to_hex(other), 10, 1_000, 950, 50]


def test_months_before_and_after_are_offered_as_far_as_there_are_any() -> None:
    def offered(until: int) -> tuple[str | None, str | None]:
        values = page_values(figures_with(asked=Asked(Period(until))), EN)
        return values["earlier"], values["later"]

    assert offered(LAST) == ("2025-11", None)
    assert offered(LAST - 3) == ("2025-08", "2026-11")
    assert offered(LAST - 24) == ("2023-11", "2025-11")
    assert offered(5) == (None, "1971-06")


def test_every_table_has_columns_and_every_kind_events() -> None:
    assert TABLES.keys() == COLUMNS.keys()
    assert EVENT_TYPES.keys() >= SHOWN
    assert {kind for *_, kind in HELD} <= KINDS.keys()
    for kind in BY_ORGANISATION:
        for event in KINDS[kind]:
            assert {*NAMING} & set(EVENT_TABLES[EVENT_TYPES[event]].c.keys()), event


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_that_is_shown_and_each_of_its_arguments_has_words(language: str) -> None:
    texts = texts_of(language)
    facts = (*HISTORY, LeavesAnchored, ConsentEnded)
    named = SHOWN | {each.__name__ for each in facts}
    assert named == texts["ledgerEvents"].keys()
    arguments = {name for event in SHOWN for name, _ in _argument_writers(event)}
    assert arguments == texts["governance"]["events"]["fields"].keys()


def event_of(name: str, **arguments: Any) -> EventRow:
    nothing = Hash32(bytes(32))
    return EventRow(Place(1, 0), name, nothing, UnixSeconds(0), nothing, arguments)


def test_arguments_of_events_are_said_as_people_write_them() -> None:
    rate = event_of("RateSet", category=3, fromPeriod=682, rateBps=500)
    assert [*arguments_in_words(rate, FR, {})] == [
        Argument("category", "3", True),
        Argument("fromPeriod", "novembre 2026", False),
        Argument("rateBps", "5\xa0%", False),
    ]
    moved = event_of("Transfer", **{"from": "0x01", "to": "0x02", "value": "5000000"})
    assert [*arguments_in_words(moved, EN, {})][2] == Argument("value", "€5.00", False)
    ends = {2**64 - 1: "sans fin", 1_795_793_633: "27 novembre 2026, 15:33:53 UTC"}
    for seconds, words in ends.items():
        given = {"organisation": "0x", "operator": "0x", "scopes": 2, "expiresAt": str(seconds)}
        delegated = event_of("OperatorDelegated", **given)
        _, _, scopes, until = arguments_in_words(delegated, FR, {})
        assert scopes == Argument("scopes", "signer des accords", False)
        assert until == Argument("expiresAt", words, False)
    assert scopes_in_words(EN, 0) == "nothing"


def test_an_organisation_is_named_by_its_did_if_it_was_admitted() -> None:
    school, key = bytes([1]) * 20, bytes([2]) * 20
    ended = [event_of("ConsentEnded", who=to_hex(who), leaf="0x03") for who in (school, key)]
    assert organisations_in(ended) == {school, key}
    dids = {OrganisationId(school): "did:web:school.example"}
    by_school, by_key = ([*arguments_in_words(each, EN, dids)] for each in ended)
    assert by_school[0] == Argument("who", "did:web:school.example", False, school)
    assert by_key[0] == Argument("who", to_hex(key), True)
    assert by_school[1] == Argument("leaf", "0x03", True)


def test_settled_lines_are_said_as_amounts() -> None:
    amounts = [{"gross": "2000000", "commission": "100000"}, {"gross": "0", "commission": "0"}]
    names = ("agreementId", "consumer", "period", "fromUnits", "toUnits", "usageRoot")
    given = {**dict.fromkeys(names, 682), "consumer": "0x01"}
    settled = event_of("UsageSettled", **given, amounts=amounts)
    [*_, last] = arguments_in_words(settled, EN, {})
    assert last.words == "€2.00, of which €0.10 commission · €0.00, of which €0.00 commission"


def test_a_page_with_a_form_may_send_it_to_the_node_alone() -> None:
    name = "Content-Security-Policy"
    assert FORM_HEADERS[name].replace("'self'; frame", "'none'; frame") == SECURITY_HEADERS[name]


async def test_figures_are_read_one_after_the_other_and_kept_for_a_while() -> None:
    now, running, read = 0.0, 0, 0
    memory = FiguresMemory(lambda: now)

    async def slowly() -> Figures:
        nonlocal now, running, read
        running, read = running + 1, read + 1
        await asyncio.sleep(0)
        assert running == 1
        now, running = now + 1, running - 1
        return figures_with()

    first, second, *others = (Asked(Period(number)) for number in range(KEPT_MAX + 1))
    await asyncio.gather(*(memory.get(each, slowly) for each in [first, second] * 10))
    assert read == 2
    now += KEPT_PER_SECOND_OF_READING - 1
    await memory.get(second, slowly)
    assert read == 2, "it is kept ten times as long as it took"
    await memory.get(first, slowly)
    assert read == 3, "and no longer"
    now = 0.0
    for each in (first, *others):
        await memory.get(each, slowly)
    assert read == 3 + len(others)
    await memory.get(second, slowly)
    assert read == 3 + len(others) + 1, "as many are kept as there is room for"


async def test_what_could_not_be_read_is_tried_again() -> None:
    memory = FiguresMemory()

    async def fail() -> Figures:
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await memory.get(Asked(Period(1)), fail)
