"""How one of these pages is made: who visits, what they may see, times and numbers as they read
them, and a language that stays from page to page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from node.api.context import Context
from node.api.page_rendering import LANGUAGE_PARAMETER, SECURITY_HEADERS, language_of, render
from node.api.principal import Principal
from node.api.wording import wording_of
from protocol.periods import parse_period, period_label
from protocol.types import to_hex

HEADERS = {
    "Content-Security-Policy": SECURITY_HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    # With none at all, browsers hide from the node itself that a form is its own page's.
    "Referrer-Policy": "same-origin",
}
DAY = "d MMM y"
LAST_YEAR = datetime.max.replace(tzinfo=UTC).timestamp()


def show(
    request: Request,
    context: Context,
    visitor: Principal | None,
    template: str,
    values: dict[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """A page of `web/templates/organisation`, for who is signed in, or for nobody yet."""
    language = language_of(request)
    shared = {
        "operator_did": context.settings.operator_did,
        "visitor": visitor,
        "rights": frozenset() if visitor is None else visitor.grant.rights,
        "path": request.url.path,
        "is_refused_form": request.method == "POST" and status >= 400,
        "address": partial(address_of, request),
        "hex": to_hex,
        "say": partial(say, language),
        "when": partial(when, language),
        "day": partial(day, language),
        "number": partial(format_decimal, locale=language),
        "wording": wording_of(language),
        "label": period_label,
        "month_name": lambda label: wording_of(language).month(parse_period(label)),
    }
    page = render(request, f"organisation/{template}", {**shared, **values}, HEADERS)
    page.status_code = status
    return page


def address_of(request: Request, path: str, **query: Any) -> str:
    """A path with what is not None, and with the language if the address had asked for one."""
    asked = {name: value for name, value in query.items() if value is not None}
    language = request.query_params.get(LANGUAGE_PARAMETER)
    if language is not None:
        asked[LANGUAGE_PARAMETER] = language
    return f"{path}?{urlencode(asked)}" if asked else path


def say(language: str, text: str | dict[str, str], **values: Any) -> str:
    """A text with its {names} filled in; of one with plurals the form for `count`."""
    if isinstance(text, dict):
        text = text.get(Locale(language).plural_form(values["count"]), text["other"])
        values["count"] = format_decimal(values["count"], locale=language)
    return text.format(**values)


def when(language: str, time: float | datetime | None) -> Markup | str:
    """A time as the language writes it, in UTC: the server does not know where the reader is. One
    beyond what a calendar shows is no time at all."""
    if isinstance(time, datetime):
        time = time.timestamp()
    if time is None or time > LAST_YEAR:
        return "–"
    at = datetime.fromtimestamp(time, UTC)
    words = format_datetime(at, f"{DAY}, HH:mm", locale=language)
    machine = at.isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{} UTC</time>').format(machine, words)


def day(language: str, text: str) -> Markup:
    """A day given as 2026-11-27, as the language writes it."""
    words = format_date(date.fromisoformat(text), DAY, locale=language)
    return Markup('<time datetime="{}">{}</time>').format(text, words)
