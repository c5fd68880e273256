"""The plot of rates over time says what the table says: which rate holds when, and how surely."""

from __future__ import annotations

from itertools import pairwise

import pytest

from indexer.queries.rates import RateRow
from node.api.governance.rates import (
    BASE,
    LABEL_PERCENT,
    MONTHS_MAX,
    NARROW_LABEL_PERCENT,
    STRIP_HEIGHT,
    TICK_PERCENT,
    Rate,
    RatePlot,
    Standing,
    plot_rates,
    rate_of,
    rates_held,
)
from node.api.wording import wording_of
from protocol.governance_calls import GovernanceCall
from protocol.periods import PERIOD_MAX, parse_period
from protocol.types import Category, Period, RateBps, UnixSeconds

EN, FR = wording_of("en"), wording_of("fr")
NOW = parse_period("2026-11")


def row(category: int, months: int, bps: int) -> RateRow:
    return RateRow(Category(category), Period(NOW + months), RateBps(bps), UnixSeconds(0))


HISTORY = [row(1, -9, 100), row(1, -3, 200), row(1, 2, 400), row(2, 0, 0), row(3, 5, 50)]


def proposed(category: int, months: int, bps: int) -> Rate:
    arguments = (("category", category), ("fromPeriod", NOW + months), ("rateBps", bps))
    found = rate_of(GovernanceCall("CommissionPolicy", "setRate", arguments))
    assert found is not None
    return found


def plotted(*others: Rate) -> RatePlot:
    plot = plot_rates(EN, [*rates_held(HISTORY, NOW), *others], NOW)
    assert plot is not None
    return plot


def test_a_rate_ends_where_the_next_of_its_category_begins() -> None:
    held = rates_held(HISTORY, NOW)
    assert [(each.category, each.begins - NOW, each.ends and each.ends - NOW) for each in held] == [
        *((1, -9, -3), (1, -3, 2), (1, 2, None)),
        *((2, 0, None), (3, 5, None)),
    ]
    assert [each.standing for each in held] == [
        *(Standing.PAST, Standing.CURRENT, Standing.PENDING),
        *(Standing.CURRENT, Standing.PENDING),
    ]


def test_a_rate_is_as_wide_as_its_months_and_as_high_as_it_is() -> None:
    one, two, three = plotted().strips
    first, second, third = one.bars
    month = second.width / 5
    assert first.width == pytest.approx(6 * month, abs=0.01)
    assert (first.left, second.left) == (0, pytest.approx(first.width))
    assert third.left == pytest.approx(second.left + second.width, abs=0.01)
    assert third.left + third.width == pytest.approx(100)
    assert (first.height, second.height, third.height) == (10, 20, STRIP_HEIGHT)
    assert all(bar.top + bar.height == BASE for bar in (*one.bars, *two.bars, *three.bars))
    [free] = two.bars
    assert (free.height, free.words, free.left) == (0, "0%", plotted().now)
    assert plotted().now == pytest.approx(9 * month, abs=0.01)


def test_what_holds_and_what_comes_is_said_and_what_is_over_is_not() -> None:
    plot = plotted(proposed(2, 3, 150))
    assert [each.told for each in plot.strips] == [
        "2% in force · 4% from January 2027 on, decided",
        "0% in force · 1.5% from February 2027 on, proposed",
        "0.5% from April 2027 on, decided",
    ]
    assert [each.standing for each in plot.strips[1].bars] == [Standing.CURRENT, Standing.PROPOSED]
    assert plot.standings == tuple(Standing)
    assert plot.strips[0].bars[0].title == "1% from February 2026 on"
    french = plot_rates(FR, rates_held(HISTORY, NOW), NOW)
    assert french is not None
    assert french.strips[2].told == "0,5\xa0% dès avril 2027, décidé"
    assert french.standings == (Standing.PAST, Standing.CURRENT, Standing.PENDING)


def test_no_words_stand_on_each_other() -> None:
    for months in (1, 2, 3, 12, 60):
        rates = [*rates_held([row(1, -months, 100), row(1, 0, 200), row(1, 1, 300)], NOW)]
        plot = plot_rates(EN, [*rates, proposed(1, 1, 400)], NOW)
        assert plot is not None
        for room, kinds in (
            (LABEL_PERCENT, ("always",)),
            (NARROW_LABEL_PERCENT, ("always", "long")),
        ):
            shown = [bar.left for bar in plot.strips[0].bars if bar.shown in kinds]
            assert all(b - a >= room for a, b in zip(shown, [*shown[1:], 100.0], strict=True))
        assert plot.strips[0].bars[-1].shown != "never"
        lefts = [tick.left for tick in plot.ticks]
        assert (lefts[0], lefts[-1]) == (0, 100)
        assert all(b - a >= TICK_PERCENT for a, b in pairwise(lefts))


def test_the_months_below_are_those_of_the_plot() -> None:
    assert [each.words for each in plotted().ticks] == ["Feb 2026", "2027", "Jul 2027"]
    years = plot_rates(EN, rates_held([row(1, -60, 100)], NOW), NOW)
    assert years is not None
    assert [each.words for each in years.ticks] == ["Nov 2021", "2024", "2026", "Nov 2027"]


def test_what_begins_beyond_all_years_is_no_part_of_the_plot() -> None:
    far = row(1, MONTHS_MAX + 1, 900)
    plot = plot_rates(EN, rates_held([*HISTORY[:3], far, *HISTORY[3:]], NOW), NOW)
    assert plot is not None
    assert len(plot.strips[0].bars) == 3
    assert plot.strips[0].bars[-1].height == STRIP_HEIGHT
    assert plot_rates(EN, rates_held([far], NOW), NOW) is None
    assert plot_rates(EN, [], NOW) is None
    arguments = (("category", 1), ("fromPeriod", PERIOD_MAX), ("rateBps", 5))
    assert rate_of(GovernanceCall("CommissionPolicy", "setRate", arguments)) is None
    assert rate_of(GovernanceCall("UsageToken", "issue", (("to", 1),))) is None
