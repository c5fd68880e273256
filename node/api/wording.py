"""How a page says things in a language: texts with values, numbers, money, months and times.

Amounts are whole base units, rates and shares whole hundredths of a percent; they become decimal
here, exactly, and nowhere before. Times and months are in UTC, and say so where a reader may doubt.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent

from node.api.page_rendering import texts_of
from protocol.types import AmountMinor, Period, UnixSeconds

CURRENCY = "EUR"
"""A usage token is one euro of use."""
MINOR_DIGITS = 6
DIGITS_MAX = 60
"""More than any sum of amounts has."""


class Wording:
    """What a page says in one language."""

    def __init__(self, language: str) -> None:
        self._texts = texts_of(language)
        self._locale = Locale.parse(self._texts["locale"], sep="-")
        standard = self._locale.currency_formats["standard"].pattern
        self._money = standard.replace("0.00", "0.00####")
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
        """With one decimal."""
        return format_decimal(value, "#,##0.0", locale=self._locale)

    def money(self, amount_minor: AmountMinor) -> str:
        """An amount in euros: to the cent, and as far beyond as it goes."""
        with localcontext(prec=DIGITS_MAX):
            euros = Decimal(amount_minor).scaleb(-MINOR_DIGITS)
            return format_currency(
                euros, CURRENCY, self._money, locale=self._locale, currency_digits=False
            )

    def percent(self, bps: int) -> str:
        """A rate or a share in percent."""
        return format_percent(Decimal(bps).scaleb(-4), self._percent, locale=self._locale)

    def month(self, period: Period) -> str:
        """Such as November 2026."""
        return format_skeleton("yMMMM", _first_day(period), locale=self._locale)

    def short_month(self, period: Period) -> str:
        """Such as Nov; the year is said beside it."""
        return format_date(_first_day(period), "LLL", locale=self._locale)

    def month_letter(self, period: Period) -> str:
        """Such as N, where there is no room."""
        return format_date(_first_day(period), "LLLLL", locale=self._locale)

    def time(self, seconds: UnixSeconds) -> str:
        """To the second, UTC."""
        moment = datetime.fromtimestamp(seconds, UTC)
        return format_datetime(moment, "long", tzinfo=UTC, locale=self._locale)


@lru_cache
def wording_of(language: str) -> Wording:
    """The wording of one of the pages' languages."""
    return Wording(language)


def year_of(period: Period) -> int:
    """The year of a month."""
    return 1970 + period // 12


def _first_day(period: Period) -> date:
    return date(year_of(period), 1 + period % 12, 1)
