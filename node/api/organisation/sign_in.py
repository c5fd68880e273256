"""`/organisation/sign-in`: sign in with a wallet or a passkey, join by invitation; and sign out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.security.utils import get_authorization_scheme_param

from node.api.context import NodeContext
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.session_cookie import forget_session, keep_session
from node.api.organisation.visitor import Visitor, require_own_page
from node.api.principal import Caller
from node.api.routes.person_sessions import sign_out
from node.bearer_links import SIGN_IN
from node.problems import Problem

pages = APIRouter(prefix="/organisation", route_class=PageRoute)
asked_by_script = APIRouter(prefix="/organisation")
"""What is wrong there is told as on the API."""


@pages.get("/sign-in")
async def sign_in_page(
    request: Request, context: NodeContext, ended: str | None = None
) -> HTMLResponse:
    """The way in; an invitation stands behind the `#`, so that no server's log has it."""
    values = {"has_ended": ended is not None, "chain_id": context.deployment.chain_id}
    return show(request, context, None, "sign_in.html", values)


@asked_by_script.post("/session", status_code=204)
async def keep(request: Request, context: NodeContext, caller: Caller) -> Response:
    """Puts the session that a person has just begun by `/v1/sign-in` into the browser's cookie. It
    is shown as a bearer token: another site's page has none, and could not send it."""
    require_own_page(request, context.settings)
    if caller.session is None:
        raise Problem.of("no-session")
    answer = Response(status_code=204)
    _, token = get_authorization_scheme_param(request.headers["authorization"])
    keep_session(answer, context.settings, token)
    return answer


@pages.post("/sign-out")
async def leave(request: Request, context: NodeContext, visitor: Visitor) -> Response:
    """Ends the session, here and on the API."""
    await sign_out(context, visitor)
    answer = see_other(request, SIGN_IN)
    forget_session(answer, context.settings)
    return answer
