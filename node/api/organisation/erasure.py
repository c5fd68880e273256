"""Erasure on the organisation's pages: of a consent's record, and of what was asked of a person.
What cannot be undone is said on a page of its own before, and what is left to confirm after."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from node.api.context import Context, NodeContext
from node.api.organisation.forms import SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.routes import consent_requests, consents
from node.api.schemas.base import Hash
from node.api.schemas.consent_requests import OfSubject, SearchRequests
from node.api.schemas.consents import Consent
from node.commands.erase_consent import find_erasure, is_over, list_deliveries
from node.db import act_as
from node.permissions import Area
from protocol.types import Leaf, OrganisationId, to_hex

pages = APIRouter(prefix="/organisation", route_class=PageRoute)
Writer = Annotated[Principal, visiting(Area.CONSENTS, write=True)]

COUNTED_MAX = 100


@pages.get("/consents/{leaf}/erasure")
async def record(
    request: Request, context: NodeContext, visitor: Writer, leaf: Hash
) -> HTMLResponse:
    """How far the erasure of a record is; before it is ordered, what it means."""
    own = OrganisationId(visitor.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, own)
        erasure = await find_erasure(connection, own, Leaf(leaf))
        deliveries = await list_deliveries(connection, own, Leaf(leaf))
    consent = None if erasure else await consents.show(context, visitor, leaf)
    values = {
        "may_be_erased": consent is not None and await may_be_erased(context, visitor, consent),
        "leaf": leaf,
        "erasure": erasure,
        "deliveries": deliveries,
        "consent": consent,
        "is_issuer": consent is None or consent.issuer == own,
    }
    return show(request, context, visitor, "erasure.html", values)


async def may_be_erased(context: Context, visitor: Principal, consent: Consent) -> bool:
    """Whether its erasure would be taken now, of the issuer."""
    status = consent.status
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        return await is_over(connection, Leaf(status.leaf), status.state, status.ended_by)


@pages.post("/consents/{leaf}/erasure")
async def erase_record(
    request: Request, context: NodeContext, visitor: Writer, leaf: Hash
) -> Response:
    """Erases it, here at once."""
    await consents.erase(context, visitor, request, leaf)
    return see_other(request, f"/organisation/consents/{to_hex(leaf)}/erasure")


@pages.post("/requests/erasure")
async def of_person(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> HTMLResponse:
    """What would be deleted about a person. Posted, so that the reference stands in no address."""
    asked = {"subjectReference": form.text("subjectReference"), "limit": COUNTED_MAX}
    found = await consent_requests.search(context, visitor, as_shape(SearchRequests, asked))
    values = {
        "reference": form.text("subjectReference"),
        "count": len(found.items),
        "has_more": found.next is not None,
        "erased": None,
    }
    return show(request, context, visitor, "erasure_of_person.html", values)


@pages.post("/requests/erasure/confirmed")
async def erase_person(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> HTMLResponse:
    """Deletes it."""
    body = as_shape(OfSubject, {"subjectReference": form.text("subjectReference")})
    erased = (await consent_requests.erase(context, visitor, body)).erased
    values = {"reference": "", "count": 0, "has_more": False, "erased": erased}
    return show(request, context, visitor, "erasure_of_person.html", values)
