"""How a page says things in a language: texts with values, numbers, money, months and times.

Amounts are whole base units, rates and shares whole hundredths of a percent; they become decimal
here, exactly, and nowhere before. Times and months are in UTC, and say so where a reader may doubt.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

from babel.dates import format_date
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
)

from node.api.texts import day_in, first_day, locale_of, month_in, texts_of, time_in
from protocol.booking import MINOR_PER_TOKEN
from protocol.periods import PERIOD_MAX
from protocol.types import AmountMinor, Period, UnixSeconds

CURRENCY = "EUR"
"""A usage token is one euro of use."""
MINUS = "\N{MINUS SIGN}"
"""Where the languages' own numbers have a hyphen."""
MINOR_DIGITS = 6
CENTS = 2
SHORT_FROM = 10_000
"""Smaller numbers are short enough on an axis."""
DIGITS_MAX = 60
"""More than any sum of amounts has."""


class Wording:
    """What a page says in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._texts = texts_of(language)
        self._locale = locale_of(language)
        standard = self._locale.currency_formats["standard"].pattern
        self._money = {
            decimals: standard.replace(
                "0.00", f"0.{'0' * decimals}{'#' * (MINOR_DIGITS - decimals)}"
            )
            for decimals in range(CENTS, MINOR_DIGITS + 1)
        }
        self._short_money = standard.replace("0.00", f"0.{'#' * MINOR_DIGITS}")
        self._percent = self._locale.percent_formats[None].pattern.replace("#,##0", "#,##0.##")

    def say(self, path: str, **values: Any) -> str:
        """The text at a path like `governance.title` with its {names} filled in; `count` chooses
        between singular and plural."""
        text: Any = self._texts
        for name in path.split("."):
            text = text[name]
        if isinstance(text, dict):
            form = self._locale.plural_form(values["count"])
            text = text.get(form, text["other"])
        said = {name: self.count(v) if isinstance(v, int) else v for name, v in values.items()}
        return str(text.format(**said))

    def count(self, number: int) -> str:
        """A whole number, grouped."""
        return format_decimal(number, locale=self._locale)

    def number(self, value: Decimal) -> str:
        """With at most one decimal."""
        return format_decimal(value, "#,##0.#", locale=self._locale)

    def short_count(self, number: int) -> str:
        """A round number for an axis, such as 20k."""
        if number < SHORT_FROM:
            return self.count(number)
        return format_compact_decimal(number, locale=self._locale, fraction_digits=1)

    def money(self, amount_minor: AmountMinor, decimals: int = CENTS) -> str:
        """An amount in euros, exactly: so many decimals, and more where it has more."""
        return self._format_euros(amount_minor, self._money[decimals])

    def short_money(self, amount_minor: AmountMinor) -> str:
        """A round amount in euros for an axis, such as €20k."""
        if amount_minor < SHORT_FROM * MINOR_PER_TOKEN:
            return self._format_euros(amount_minor, self._short_money)
        euros = amount_minor // MINOR_PER_TOKEN
        return format_compact_currency(euros, CURRENCY, locale=self._locale, fraction_digits=1)

    def percent(self, bps: int) -> str:
        """A rate or a share in percent."""
        return format_percent(Decimal(bps).scaleb(-4), self._percent, locale=self._locale)

    def month(self, period: Period) -> str:
        """Such as November 2026; its number where no calendar knows it."""
        return month_in(period, self._language) if period <= PERIOD_MAX else str(period)

    def short_month(self, period: Period) -> str:
        """Such as Nov; the year is said beside it."""
        return format_date(first_day(period), "LLL", locale=self._locale)

    def month_letter(self, period: Period) -> str:
        """Such as N, where there is no room."""
        return format_date(first_day(period), "LLLLL", locale=self._locale)

    def time(self, seconds: UnixSeconds) -> str:
        """To the second, UTC."""
        return time_in(seconds, self._language)

    def day(self, seconds: UnixSeconds) -> str:
        """The day of a time, UTC."""
        return day_in(seconds, self._language)

    def _format_euros(self, amount_minor: AmountMinor, pattern: str) -> str:
        with localcontext(prec=DIGITS_MAX):
            euros = Decimal(amount_minor).scaleb(-MINOR_DIGITS)
            said = format_currency(
                euros, CURRENCY, pattern, locale=self._locale, currency_digits=False
            )
        return said.replace("-", MINUS)


def decimals_of(amounts_minor: Iterable[AmountMinor]) -> int:
    """How many decimals, two at least, show all these amounts exactly."""
    digits = (
        f"{abs(each) % MINOR_PER_TOKEN:0{MINOR_DIGITS}}".rstrip("0") for each in amounts_minor
    )
    return max((CENTS, *map(len, digits)))


@lru_cache
def wording_of(language: str) -> Wording:
    """The wording of one of the pages' languages."""
    return Wording(language)
