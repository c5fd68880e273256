"""How a page is made: in which language, with which words, from which template, under which policy.

A page is HTML from `web/templates`, in the words of `web/texts`, with scripts and styles from
`web/static/build`. The language is the one that the address asks for (`?lang=fr`), else the one
that the browser prefers (RFC 9110, 12.5.4): a page keeps nothing on the device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from node.api.sentences import said_in
from node.api.texts import texts_of
from node.config import PROJECT_ROOT
from node.problems import Problem

LANGUAGES = {"en": "English", "fr": "Français"}
"""Each with its own name for itself; the first one for whoever prefers none of them."""
LANGUAGE_PARAMETER = "lang"
BUILD_DIR = PROJECT_ROOT / "web" / "static" / "build"
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FORM_HEADERS = {
    "Content-Security-Policy": SECURITY_HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    )
}
"""Of a page with a form, which goes to the node itself."""

WALLETCONNECT_RELAY = "wss://relay.walletconnect.org"
"""Where wallets on another device are met, if the operator has set that up."""


def headers_reaching(origins: Iterable[str]) -> dict[str, str]:
    """Of a page whose scripts ask the nodes at these origins, too, and no other."""
    sources = " ".join(["connect-src 'self'", *sorted(origins)])
    policy = SECURITY_HEADERS["Content-Security-Policy"].replace("connect-src 'self'", sources)
    return {"Content-Security-Policy": policy}


templates = Jinja2Templates(PROJECT_ROOT / "web" / "templates")


def render(
    request: Request, template: str, values: dict[str, Any], headers: dict[str, str] | None = None
) -> HTMLResponse:
    """A page in the reader's language; what `layout.html` needs is there for every template."""
    language = language_of(request)
    shared = {
        "language": language,
        "languages": LANGUAGES,
        "address_in": partial(_address_in, request),
        "here": partial(_in_same_language, request),
        "texts": texts_of(language),
        "said": partial(said_in, language=language),
        "built": built,
    }
    said = {**SECURITY_HEADERS, "Content-Language": language, "Vary": "Accept-Language"}
    return templates.TemplateResponse(
        request, template, {**shared, **values}, headers={**said, **(headers or {})}
    )


def language_of(request: Request) -> str:
    """One of LANGUAGES."""
    asked = request.query_params.get(LANGUAGE_PARAMETER)
    if asked in LANGUAGES:
        return asked
    return preferred_language(request.headers.get("accept-language", ""))


def preferred_language(accept: str) -> str:
    """One of LANGUAGES, from an Accept-Language header."""
    found = Locale.negotiate(preferred_languages(accept), LANGUAGES, sep="-")
    return found.language if found is not None else next(iter(LANGUAGES))


def preferred_languages(accept: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first; what is no weight counts 1."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 1.0
        if tag and weight > 0:
            weights[tag] = weight
    return sorted(weights, key=lambda tag: -weights[tag])


@lru_cache
def built(name: str) -> str:
    """The address of a built file; it changes with the content, so no browser keeps an old one."""
    file = BUILD_DIR / name
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        detail = f"The file web/static/build/{name} is missing."
        raise Problem.of("page-not-built", detail) from None
    return f"/static/build/{name}?v={digest[:12]}"


def _in_same_language(request: Request, address: str) -> str:
    """Another page in the language that this one was asked for, if it was."""
    chosen = request.query_params.get(LANGUAGE_PARAMETER)
    if chosen is None:
        return address
    path, mark, place = address.partition("#")
    joint = "&" if "?" in path else "?"
    return f"{path}{joint}{urlencode({LANGUAGE_PARAMETER: chosen})}{mark}{place}"


def _address_in(request: Request, language: str) -> str:
    """The same page in a language, relative, so that it holds behind any proxy."""
    address = request.url.include_query_params(**{LANGUAGE_PARAMETER: language})
    return f"?{address.query}"
