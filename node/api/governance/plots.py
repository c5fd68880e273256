"""Columns by month, stacked, as SVG: where each bar stands and what it says.

The page's policy allows no style and no script in the page, which rules out what plotting libraries
write; so the server places rectangles and the style sheet colours them. Places across are percent
of the width, so the plot fits any screen with letters of one size; heights are pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from node.api.texts import year_of
from node.api.wording import Wording
from protocol.types import Period

PLOT_HEIGHT = 160
TOP = 12
"""Room for the letters of the highest line."""
TICKS_MAX = 4
LATE_IN_YEAR = 10
"""Who begins in November or December has no room for the old year beside the new one."""
BAR_SHARE = 0.7
"""Of the width of a month."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column, by the series that it belongs to, with its value in words."""

    series: int
    top: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class MonthColumn:
    """A month: its left edge, its middle, its names, its year where that begins, its bars."""

    left: float
    middle: float
    name: str
    letter: str
    year: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line across, with its value in words."""

    y: float
    words: str


@dataclass(frozen=True, slots=True)
class ColumnPlot:
    """All of it; `width` is a bar's, in percent."""

    width: float
    columns: tuple[MonthColumn, ...]
    lines: tuple[Line, ...]
    base: int = TOP + PLOT_HEIGHT
    height: int = TOP + PLOT_HEIGHT + 40


def step_of(highest: int, steps_max: int = TICKS_MAX) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … of which so many reach the highest value."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * steps_max >= highest:
                return factor * power
        power *= 10


def plot_columns(
    wording: Wording,
    months: Sequence[Period],
    series: Sequence[tuple[str, Sequence[int]]],
    words: Callable[[int], str],
    short_words: Callable[[int], str],
) -> ColumnPlot:
    """Stacks the series, each a name and a whole number a month, from the bottom up. `words` say
    a value, `short_words` a round one at a line."""
    totals = [sum(parts) for parts in zip(*(values for _, values in series), strict=True)]
    step = step_of(max(totals, default=0))
    steps = max(1, -(-max(totals, default=0) // step))
    span = 100 / len(months)
    columns = []
    for place, month in enumerate(months):
        bars, below = [], 0
        for number, (name, values) in enumerate(series):
            value = values[place]
            if value:
                height = PLOT_HEIGHT * value / (step * steps)
                top = TOP + PLOT_HEIGHT - PLOT_HEIGHT * below / (step * steps) - height
                said = f"{wording.month(month)} · {name}: {words(value)}"
                bars.append(Bar(number, round(top, 2), round(height, 2), said))
            below += value
        begins_year = month % 12 == 0 or (place == 0 and month % 12 < LATE_IN_YEAR)
        columns.append(
            MonthColumn(
                round(span * (place + (1 - BAR_SHARE) / 2), 3),
                round(span * (place + 0.5), 3),
                wording.short_month(month),
                wording.month_letter(month),
                str(year_of(month)) if begins_year else "",
                tuple(bars),
            )
        )
    lines = tuple(
        Line(round(TOP + PLOT_HEIGHT * (1 - number / steps), 2), short_words(step * number))
        for number in range(steps + 1)
    )
    return ColumnPlot(round(span * BAR_SHARE, 3), tuple(columns), lines)
