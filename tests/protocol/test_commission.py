"""The split of what use costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.agreement import PriceLine
from protocol.commission import (
    HARD_CAP_BPS,
    commission_at_rate,
    commission_rounded_down,
    gross,
    net,
    settle,
    total_commission,
    total_gross,
)
from protocol.errors import RateAboveCap, VoucherNotNewer
from protocol.types import AmountMinor, Category, OrganisationId, RateBps, Units

units = st.integers(0, 2**64 - 1).map(Units)
lines = st.builds(
    PriceLine,
    st.just(OrganisationId(bytes(20))),
    st.just(Category(1)),
    st.integers(0, 2**64 - 1).map(AmountMinor),
    units,
)
rates = st.integers(0, HARD_CAP_BPS).map(RateBps)
priced = st.lists(st.tuples(lines, rates), min_size=1, max_size=4)


@given(priced, st.sets(units, min_size=2, max_size=8))
def test_many_small_settlements_give_the_same_as_one(
    priced_lines: list[tuple[PriceLine, RateBps]], stops: set[Units]
) -> None:
    terms, rate = [line for line, _ in priced_lines], [rate for _, rate in priced_lines]
    steps = sorted(stops)
    parts = [settle(terms, rate, start, end) for start, end in pairwise(steps)]
    for index, whole in enumerate(settle(terms, rate, steps[0], steps[-1])):
        assert sum(part[index].gross for part in parts) == whole.gross
        assert (
            sum(part[index].commission_rounded_down for part in parts)
            == whole.commission_rounded_down
        )


@given(
    st.lists(lines, min_size=1, max_size=4), st.sets(units, min_size=1, max_size=8), rates, rates
)
def test_what_another_rate_would_have_brought_is_what_settling_at_it_brings(
    terms: list[PriceLine], stops: set[Units], rate: RateBps, other: RateBps
) -> None:
    steps = sorted(stops | {Units(0)})
    if len(steps) == 1:
        return
    parts = [settle(terms, [rate] * len(terms), *step) for step in pairwise(steps)]
    brought = [AmountMinor(sum(part[i].gross for part in parts)) for i in range(len(terms))]
    assert commission_at_rate(brought, rate) == sum(map(total_commission, parts))
    at_once = settle(terms, [other] * len(terms), steps[0], steps[-1])
    assert commission_at_rate(brought, other) == total_commission(at_once)


def test_no_rate_above_the_cap_is_computed() -> None:
    with pytest.raises(RateAboveCap):
        commission_at_rate([], RateBps(HARD_CAP_BPS + 1))


@given(priced, units, units)
def test_payees_and_association_share_what_the_deposit_pays(
    priced_lines: list[tuple[PriceLine, RateBps]], one: Units, other: Units
) -> None:
    start, end = sorted((one, other))
    if start == end:
        return
    terms, rate = [line for line, _ in priced_lines], [rate for _, rate in priced_lines]
    amounts = settle(terms, rate, start, end)
    assert sum(map(net, amounts)) + total_commission(amounts) == total_gross(amounts)
    assert all(0 <= a.commission_rounded_down <= a.gross < 2**128 for a in amounts)


@given(lines, units, rates)
def test_the_commission_is_the_share_rounded_down(
    line: PriceLine, used: Units, rate: RateBps
) -> None:
    share = commission_rounded_down(gross(used, line), rate)
    assert share * 10_000 <= gross(used, line) * rate < (share + 1) * 10_000


def test_free_units_cost_nothing() -> None:
    line = PriceLine(OrganisationId(bytes(20)), Category(1), AmountMinor(7), Units(100))
    assert [gross(Units(u), line) for u in (0, 100, 101, 103)] == [0, 0, 7, 21]


@pytest.mark.parametrize(("start", "end"), [(5, 5), (5, 4)])
def test_settling_nothing_new_is_refused(start: int, end: int) -> None:
    with pytest.raises(VoucherNotNewer):
        settle([], [], Units(start), Units(end))


def test_settlements_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("commission").values():
        terms = [
            PriceLine(
                OrganisationId(bytes(20)),
                Category(0),
                AmountMinor(int(line["unitPrice"])),
                Units(int(line["freeUnits"])),
            )
            for line in case["lines"]
        ]
        rate = [RateBps(line["rateBps"]) for line in case["lines"]]
        for each in case["settlements"]:
            start, end = Units(int(each["fromUnits"])), Units(int(each["toUnits"]))
            shown = [
                {"gross": str(a.gross), "commissionRoundedDown": str(a.commission_rounded_down)}
                for a in settle(terms, rate, start, end)
            ]
            assert shown == each["amounts"]
