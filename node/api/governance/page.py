"""What the template of the page is given: figures as tables and plots, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from node.api.governance import sections
from node.api.governance.figures import MONTHS_SHOWN, Figures
from node.api.governance.plots import ColumnPlot, plot_columns
from node.api.governance.rates import Standing, plot_rates, rates_held, rates_proposed
from node.api.wording import Wording
from protocol.concentration import (
    WHOLE_INDEX,
    by_operator,
    concentration_of,
    herfindahl_rounded_down,
    share_bps_rounded_down,
)
from protocol.periods import period_label
from protocol.postings import ISSUED, TREASURY
from protocol.types import AmountMinor, OrganisationId, Period, to_hex

OPERATORS_PLOTTED_MAX = 8
ROWS_MAX = 20
"""Of a table on the page; the file has all."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How what organisations did is spread over their operators."""

    largest: str
    largest_bps: int
    index: int

    @property
    def level(self) -> str:
        """Path of the text that says what the index stands for."""
        return f"governance.levels.{concentration_of(self.index)}"

    @property
    def equals(self) -> Decimal:
        """How many operators of one size would give the same index."""
        return Decimal(WHOLE_INDEX) / max(self.index, 1)


def page_values(figures: Figures, wording: Wording) -> dict[str, Any]:
    """Values of `governance.html`."""
    asked, now = figures.asked, figures.current_period
    held = rates_held(figures.rates, now)
    return {
        "figures": figures,
        "asked": asked,
        "until": period_label(asked.until),
        "earlier": period_label(Period(asked.first - 1)) if asked.first else None,
        "later": _later(figures),
        "totals": _totals(figures),
        "tables": {name: make(figures) for name, make in sections.TABLES.items()},
        "plots": _plots(figures, wording),
        "shares": _shares(figures),
        "plotted_max": OPERATORS_PLOTTED_MAX,
        "rows_max": ROWS_MAX,
        "categories": sorted(figures.in_force),
        "pending": [each for each in held if each.standing is Standing.PENDING],
        "rate_plot": plot_rates(wording, [*held, *rates_proposed(figures)], now),
    }


def _later(figures: Figures) -> str | None:
    """The last of the twelve months that follow, or the current one; None if that is shown."""
    until, current = figures.asked.until, figures.current_period
    return period_label(min(Period(until + MONTHS_SHOWN), current)) if until < current else None


def _totals(figures: Figures) -> dict[str, int]:
    use = figures.use_by_period.values()
    money = figures.money
    proposed = figures.proposed.values()
    return {
        "leaves": sum(figures.leaves.values()),
        "endings": sum(figures.endings.values()),
        "units": sum(each.units for each in use),
        "gross": sum(each.gross_minor for each in use),
        "commission": sum(each.commission_minor for each in use),
        "supply": -money.get(ISSUED, AmountMinor(0)),
        "deposits": money.get("deposit", AmountMinor(0)),
        "treasury": money.get(TREASURY, AmountMinor(0)),
        "paid": sum(each.commission_minor for each in proposed),
        "proposed": sum(each.proposed_minor for each in proposed),
    }


def _plots(figures: Figures, wording: Wording) -> dict[str, ColumnPlot]:
    months, used = figures.asked.months, figures.use_by_period

    def counts(name: str, by_month: Mapping[Period, int]) -> ColumnPlot:
        series = (wording.say(name), [by_month.get(month, 0) for month in months])
        return plot_columns(wording, months, [series], wording.count, wording.short_count)

    def amounts(*names: str) -> ColumnPlot:
        series = [
            (
                wording.say(f"governance.columns.{name}"),
                [getattr(used[month], f"{name}_minor") if month in used else 0 for month in months],
            )
            for name in names
        ]
        return plot_columns(
            wording,
            months,
            series,
            lambda value: wording.money(AmountMinor(value)),
            lambda value: wording.short_money(AmountMinor(value)),
        )

    return {
        "leaves": counts("governance.columns.leaves", figures.leaves),
        "endings": counts("governance.columns.endings", figures.endings),
        "use": amounts("commission", "net"),
        "commission": amounts("commission"),
    }


def _shares(figures: Figures) -> dict[str, Shares]:
    """Of leaves and of units, where there are any."""
    units = {each: use.units for each, use in figures.use_by_consumer.items()}
    found = {}
    for name, volumes in (("leaves", figures.leaves_by_issuer), ("units", units)):
        sums = by_operator(volumes, figures.operators)
        whole = sum(sums.values())
        if whole:
            largest = max(sums, key=lambda operator: (sums[operator], operator))
            found[name] = Shares(
                _name_of(figures, largest),
                share_bps_rounded_down(sums[largest], whole),
                herfindahl_rounded_down(sums.values()),
            )
    return found


def _name_of(figures: Figures, organisation: OrganisationId) -> str:
    return figures.dids.get(organisation, to_hex(organisation))
