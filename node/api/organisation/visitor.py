"""Who visits a page: one of the organisation's people, by the session in the cookie."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import SecurityScopes

from node.api.context import context_of
from node.api.organisation.session_cookie import session_in
from node.api.principal import Principal, principal_of_session
from node.api_keys import SESSION_PREFIX, hash_api_key
from node.config import Settings
from node.permissions import Area, right
from node.problems import Problem

READING = frozenset({"GET", "HEAD"})


async def require_visitor(request: Request, asked: SecurityScopes) -> Principal:
    """The person, as on the API; a 403 problem for a write that another site's page asks for, or
    without the rights asked for, a 401 problem without a session."""
    context = context_of(request)
    if request.method not in READING:
        require_own_page(request, context.settings)
    token = session_in(request, context.settings)
    if token is None or not token.startswith(SESSION_PREFIX):
        raise Problem.of("session-ended")
    visitor = await principal_of_session(context, hash_api_key(token))
    for each in asked.scopes:
        visitor.require(each)
    return visitor


def require_own_page(request: Request, settings: Settings) -> None:
    """A 403 problem unless the browser says that a page of this node asks. All browsers of today
    send Sec-Fetch-Site (Fetch Metadata, W3C), but to a secure origin only; older ones Origin."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_own = origin == settings.public_address if site is None else site == "same-origin"
    if not is_own:
        raise Problem.of("cross-site", f"The browser names {site or origin or 'no page'}.")


def visiting(area: Area, write: bool = False) -> Any:
    """The dependency of a page on a visitor who may read, or write, in an area."""
    return Security(require_visitor, scopes=[right(area, write)])


Visitor = Annotated[Principal, Depends(require_visitor)]
"""Whoever is signed in: for what concerns the visitor alone. Else say `visiting(…)`."""
