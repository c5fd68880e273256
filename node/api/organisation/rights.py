"""`/organisation/rights`: what persons ask of the organisation under the law, by when it must be
answered, and the answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from node.api.context import NodeContext
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.forms import SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.routes import rights_requests
from node.api.schemas.rights_requests import AnswerRights, RightsRequestId, StateName
from node.permissions import Area

pages = APIRouter(prefix="/organisation/rights", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.CONSENTS)]
Writer = Annotated[Principal, visiting(Area.CONSENTS, write=True)]

PATH = "/organisation/rights"
SHOWN = 20
DECISIONS = ("done", "refused", "extended")
STATES = ("received", "done", "refused")


@pages.get("")
async def list_own(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    state: Annotated[StateName | None, BlankIsNone] = None,
    after: RightsRequestId | None = None,
) -> HTMLResponse:
    """Those that wait, unless others are asked for, what is due first before what is due later."""
    wanted: StateName = state or "received"
    found = await rights_requests.list_all(context, visitor, wanted, after, SHOWN)
    values = {
        "found": found,
        "state": wanted,
        "states": STATES,
        "decisions": DECISIONS,
        "after": after,
        "answered": request.query_params.get("answered"),
    }
    return show(request, context, visitor, "rights.html", values)


@pages.post("/{rights_request_id}/answer")
async def answer(
    request: Request,
    context: NodeContext,
    visitor: Writer,
    rights_request_id: RightsRequestId,
    form: SentForm,
) -> Response:
    """Tells the person what the organisation did."""
    asked = {"decision": form.text("decision"), "reason": form.text("reason") or None}
    body = as_shape(AnswerRights, asked)
    await rights_requests.answer(context, visitor, rights_request_id, body)
    return see_other(request, PATH, answered=1)
