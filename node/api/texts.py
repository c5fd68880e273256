"""The words of the pages, and how each of their languages writes a month and a time.

Both are in UTC, and a time says so: the server does not know where the reader is.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time

from node.config import PROJECT_ROOT
from protocol.types import Period, UnixSeconds

TEXTS_DIR = PROJECT_ROOT / "web" / "texts"
TIME_MAX = 253_402_300_799
"""The last second that a calendar knows."""


@lru_cache
def texts_of(language: str) -> dict[str, Any]:
    """The words of the pages; the scripts carry the same file."""
    file = TEXTS_DIR / f"{language}.json"
    texts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return texts


@lru_cache
def locale_of(language: str) -> Locale:
    """Whose calendar and numbers a language has here."""
    return Locale.parse(texts_of(language)["locale"], sep="-")


def month_in(period: Period, language: str) -> str:
    """Such as November 2026."""
    return format_skeleton("yMMMM", first_day(period), locale=locale_of(language))


def time_in(seconds: UnixSeconds, language: str) -> str:
    """To the second. The zone's name is put behind: a calendar's own may be another, such as TU."""
    moment, locale = datetime.fromtimestamp(seconds, UTC), locale_of(language)
    return f"{day_in(seconds, language)}, {format_time(moment, 'medium', UTC, locale)} UTC"


def day_in(seconds: UnixSeconds, language: str) -> str:
    """The day in UTC in which a time falls."""
    return format_date(datetime.fromtimestamp(seconds, UTC), "long", locale_of(language))


def first_day(period: Period) -> date:
    """Of a month, which is counted from January 1970."""
    return date(year_of(period), 1 + period % 12, 1)


def year_of(period: Period) -> int:
    """The year of a month."""
    return 1970 + period // 12
