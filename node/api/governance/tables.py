"""A table of figures: one for the page, in the reader's language, and the same one as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial
from typing import Any

from node.api.governance.rates import rate_of
from node.api.wording import Wording, decimals_of
from protocol.booking import amount_text
from protocol.governance_calls import GovernanceCall
from protocol.periods import PERIOD_MAX, period_label


class Kind(Enum):
    """What a column holds."""

    MONTH = auto()
    COUNT = auto()
    CATEGORY = auto()
    MONEY = auto()
    """Base units."""
    BPS = auto()
    """A share or a rate in hundredths of a percent."""
    TIME = auto()
    """Unix seconds."""
    NAME = auto()
    """A DID, or an id in hexadecimal."""
    TERM = auto()
    """The path of a text."""
    CALL = auto()
    """A `GovernanceCall`, or the bytes that no ABI explains, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name in CSV and the path of its heading."""

    name: str
    heading: str
    kind: Kind

    @property
    def is_number(self) -> bool:
        """Whether its values are set to the right."""
        return self.kind in (Kind.COUNT, Kind.MONEY, Kind.BPS)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and the address of the list of what makes it."""

    value: Any
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, one a column; the first one names the row."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def first(self, count: int) -> Table:
        """The same with so many rows at most."""
        return replace(self, rows=self.rows[:count])


def in_words(table: Table, wording: Wording) -> list[list[str]]:
    """The rows as the page shows them; the amounts of a column with as many decimals each, so that
    they stand one below the other."""
    ways = [_way(table, place, wording) for place in range(len(table.columns))]
    return [[way(cell.value) for way, cell in zip(ways, row, strict=True)] for row in table.rows]


def _way(table: Table, place: int, wording: Wording) -> Callable[[Any], str]:
    kind = table.columns[place].kind
    if kind is Kind.MONEY:
        decimals = decimals_of(row[place].value for row in table.rows)
        return partial(wording.money, decimals=decimals)
    ways: dict[Kind, Callable[[Any], str]] = {
        Kind.MONTH: wording.month,
        Kind.COUNT: wording.count,
        Kind.BPS: wording.percent,
        Kind.TIME: wording.time,
        Kind.TERM: wording.say,
        Kind.CALL: partial(_call_in_words, wording),
    }
    return ways.get(kind, str)


def _call_in_words(wording: Wording, call: GovernanceCall | str) -> str:
    """A rate as a sentence, whatever else is proposed as the call that it is."""
    rate = rate_of(call) if isinstance(call, GovernanceCall) else None
    if rate is None:
        return str(call)
    return wording.say(
        "governance.rates.proposed",
        category=str(rate.category),
        rate=wording.percent(rate.rate_bps),
        month=wording.month(rate.begins),
    )


def for_programs(kind: Kind, value: Any) -> str:
    """A value as CSV has it, in every language the same: months as 2026-11, money in euros with six
    decimals, shares and rates in hundredths of a percent, times as ISO 8601."""
    match kind:
        case Kind.MONTH:
            return period_label(value) if value <= PERIOD_MAX else str(value)
        case Kind.MONEY:
            return amount_text(value)
        case Kind.TIME:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case Kind.TERM:
            return str(value).rpartition(".")[2]
        case Kind.COUNT | Kind.CATEGORY | Kind.BPS | Kind.NAME | Kind.CALL:
            return str(value)


def to_csv(table: Table) -> str:
    """The table by RFC 4180."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        writer.writerow([for_programs(column.kind, cell.value) for column, cell in cells])
    return written.getvalue()
