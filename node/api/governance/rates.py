"""The rates of the commission over time: which stands where, and their plot.

The plot has a strip for each category, on one scale: a rate is as wide as the months for which it
holds, and as high as it is. Like all plots it is rectangles that the style sheet colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

from indexer.queries.rates import RateRow
from node.api.governance.figures import Figures
from node.api.texts import year_of
from node.api.wording import Wording
from protocol.governance_calls import GovernanceCall
from protocol.periods import PERIOD_MAX
from protocol.types import Category, Period, RateBps, UnixSeconds

STRIP_HEIGHT = 40
TOP = 20
"""Room for a rate above its rectangle."""
BASE = TOP + STRIP_HEIGHT
MONTHS_MIN = 12
MONTHS_MAX = 240
"""What begins still later is in the table alone."""
ROOM_SHARE = 5
"""A fifth of the months before is left for the last rate, of which nobody knows the end."""
LABEL_PERCENT, NARROW_LABEL_PERCENT = 18.0, 6.0
"""How much room a rate's words take, on a telephone and on a desk."""
TICK_PERCENT = 30.0
"""How much a month's take, on a telephone."""


class Standing(StrEnum):
    """How sure a rate is."""

    PAST = "past"
    CURRENT = "current"
    PENDING = "pending"
    """Decided, for months to come."""
    PROPOSED = "proposed"
    """It waits in the timelock."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A category's rate from a month on, up to but not including another if one is decided."""

    category: Category
    begins: Period
    ends: Period | None
    rate_bps: RateBps
    standing: Standing
    set_at: UnixSeconds | None = None


@dataclass(frozen=True, slots=True)
class RateBar:
    """A rate: its rectangle, its words, and where these are shown: `always`, on a `long` line only,
    or `never`."""

    standing: Standing
    left: float
    width: float
    top: float
    height: float
    words: str
    title: str
    shown: str


@dataclass(frozen=True, slots=True)
class RateStrip:
    """A category: what its rates are in words, and its rectangles."""

    category: Category
    told: str
    bars: tuple[RateBar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A month below the strips; `anchor` says which end of its words stands there."""

    left: float
    words: str
    anchor: str


@dataclass(frozen=True, slots=True)
class RatePlot:
    """All of it; `now` is where the current month begins."""

    strips: tuple[RateStrip, ...]
    ticks: tuple[Tick, ...]
    now: float
    standings: tuple[Standing, ...]
    base: int = BASE
    height: int = BASE + 1


def rates_held(rates: Iterable[RateRow], now: Period) -> list[Rate]:
    """What was decided, by category and month, and how it stands in the month of `now`."""
    held = []
    for category, history in groupby(rates, lambda rate: rate.category):
        of_category = list(history)
        ends = [each.from_period for each in of_category[1:]]
        for row, end in zip(of_category, [*ends, None], strict=True):
            if row.from_period > now:
                standing = Standing.PENDING
            elif end is None or end > now:
                standing = Standing.CURRENT
            else:
                standing = Standing.PAST
            held.append(Rate(category, row.from_period, end, row.rate_bps, standing, row.set_at))
    return held


def rate_of(call: GovernanceCall) -> Rate | None:
    """The rate that a call in the timelock would set; None for any other call, and for a month that
    calendars do not know."""
    given = dict(call.arguments)
    if call.function != "setRate" or given["fromPeriod"] >= PERIOD_MAX:
        return None
    return Rate(
        Category(given["category"]),
        Period(given["fromPeriod"]),
        None,
        RateBps(given["rateBps"]),
        Standing.PROPOSED,
    )


def rates_proposed(figures: Figures) -> list[Rate]:
    """Those that wait in the timelock."""
    calls = [figures.read(each) for each in figures.proposed_calls]
    found = [rate_of(each) for each in calls if each is not None]
    return [each for each in found if each is not None]


def plot_rates(wording: Wording, rates: Sequence[Rate], now: Period) -> RatePlot | None:
    """A strip for each category; None where there is no rate at all."""
    drawn = [each for each in rates if each.begins <= now + MONTHS_MAX]
    if not drawn:
        return None
    first = min(each.begins for each in drawn)
    changes = max(now, *(each.begins for each in drawn)) + 1 - first
    span = max(MONTHS_MIN, changes + max(1, changes // ROOM_SHARE))
    highest = max(1, *(each.rate_bps for each in drawn))

    def place(month: int) -> float:
        return round(100 * (month - first) / span, 3)

    strips = []
    for category in sorted({each.category for each in drawn}):
        own = sorted(
            (each for each in drawn if each.category == category),
            key=lambda each: (each.begins, each.standing is Standing.PROPOSED),
        )
        begins = [*(place(each.begins) for each in own), 100.0]
        bars = []
        for each, (left, following) in zip(own, pairwise(begins), strict=True):
            height = round(STRIP_HEIGHT * each.rate_bps / highest, 2)
            right = min(100.0, place(each.ends)) if each.ends is not None else 100.0
            bars.append(
                RateBar(
                    each.standing,
                    left,
                    round(right - left, 3),
                    BASE - height,
                    height,
                    wording.percent(each.rate_bps),
                    _told(wording, each),
                    _shown(following - left),
                )
            )
        told = [_told(wording, each) for each in own if each.standing is not Standing.PAST]
        strips.append(RateStrip(category, " · ".join(told), tuple(bars)))
    found = {each.standing for each in drawn}
    standings = tuple(each for each in Standing if each in found)
    ticks = tuple(_ticks(wording, first, span))
    return RatePlot(tuple(strips), ticks, place(now), standings)


def _told(wording: Wording, rate: Rate) -> str:
    return wording.say(
        f"governance.rates.told.{rate.standing}",
        rate=wording.percent(rate.rate_bps),
        month=wording.month(rate.begins),
    )


def _shown(room: float) -> str:
    if room >= LABEL_PERCENT:
        return "always"
    return "long" if room >= NARROW_LABEL_PERCENT else "never"


def _ticks(wording: Wording, first: Period, span: int) -> Iterable[Tick]:
    """The first and the last month, and the years that begin where there is room for them."""
    yield Tick(0.0, _month(wording, first), "start")
    last = 0.0
    for month in range(first + 1, first + span):
        left = 100 * (month - first) / span
        if month % 12 == 0 and min(left - last, 100 - left) >= TICK_PERCENT:
            last = left
            yield Tick(round(left, 3), str(year_of(Period(month))), "start")
    yield Tick(100.0, _month(wording, Period(first + span - 1)), "end")


def _month(wording: Wording, month: Period) -> str:
    return f"{wording.short_month(month)} {year_of(month)}"
