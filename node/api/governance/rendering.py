"""How one of these pages is made: what its templates need, and where the next page begins."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from node.api.context import Context
from node.api.governance.event_words import (
    arguments_in_words,
    roles_in_words,
    scopes_in_words,
    time_in_words,
)
from node.api.governance.sections import participant_address
from node.api.governance.tables import in_words
from node.api.page_rendering import LANGUAGE_PARAMETER, language_of, render
from node.api.wording import wording_of
from protocol.types import to_hex


def show_page(
    request: Request,
    context: Context,
    template: str,
    values: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """A page for everybody, in the reader's words."""
    wording = wording_of(language_of(request))
    shared = {
        "operator_did": context.settings.operator_did,
        "wording": wording,
        "say": wording.say,
        "hex": to_hex,
        "in_words": in_words,
        "arguments_in_words": arguments_in_words,
        "roles_in_words": partial(roles_in_words, wording),
        "scopes_in_words": partial(scopes_in_words, wording),
        "time_in_words": partial(time_in_words, wording),
        "participant_address": participant_address,
        "chosen_language": request.query_params.get(LANGUAGE_PARAMETER),
    }
    return render(request, template, {**shared, **values}, headers)


def next_page(request: Request, after: str | None) -> str | None:
    """The same address from another place on; None if there is no more."""
    if after is None:
        return None
    return f"?{request.url.include_query_params(after=after).query}"
