"""`/organisation/access`: who may act for an organisation, and where its events go."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from node.api.context import Context, NodeContext
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.shown_again import FAULTS, fault_of, show_form
from node.api.organisation.times import read_day
from node.api.organisation.visitor import Visitor, visiting
from node.api.principal import Principal
from node.api.routes import api_keys, people, webhooks
from node.api.schemas.access import (
    ChangeRole,
    CreateApiKey,
    InvitedPerson,
    InvitePerson,
    KeyId,
    MadeApiKey,
    PersonId,
    RotateApiKey,
)
from node.api.schemas.webhooks import Redeliver, RegisteredWebhook, RegisterWebhook, WebhookId
from node.permissions import AccessRole, Area, right
from node.problems import Problem
from protocol.types import to_hex

pages = APIRouter(prefix="/organisation/access", route_class=PageRoute)
Keeper = Annotated[Principal, visiting(Area.ACCESS, write=True)]
WebhookKeeper = Annotated[Principal, visiting(Area.WEBHOOKS, write=True)]

PATH = "/organisation/access"
OVERLAPS_SECONDS = (0, 3_600, 86_400, 7 * 86_400)


@pages.get("")
async def overview(request: Request, context: NodeContext, visitor: Visitor) -> HTMLResponse:
    """Keys, people and webhooks, as far as the visitor may see them."""
    return await _show_overview(request, context, visitor)


async def _show_overview(
    request: Request,
    context: Context,
    visitor: Principal,
    shown_again: str = "",
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    """What is filled in, and wrong with it, is of the form that `shown_again` names."""
    rights = visitor.grant.rights
    sees_access = right(Area.ACCESS) in rights
    if not sees_access:
        visitor.require(right(Area.WEBHOOKS))
    values = {
        "keys": (await api_keys.list_own(context, visitor)).items if sees_access else None,
        "people": (await people.list_own(context, visitor)).items if sees_access else None,
        "webhooks": (await webhooks.list_own(context, visitor)).items
        if right(Area.WEBHOOKS) in rights
        else None,
        "roles": [*AccessRole],
        "areas": [*Area],
        "overlaps": OVERLAPS_SECONDS,
        "shown_again": shown_again,
    }
    return show_form(request, context, visitor, "access.html", values, form, problem)


@pages.post("/keys")
async def make_key(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """A key, shown this once."""
    expires = form.text("expiresAt")
    try:
        asked = {**_granted(form), "expiresAt": read_day(expires, "expiresAt") if expires else None}
        body = as_shape(CreateApiKey, asked)
        answer = await api_keys.create(context, visitor, request, body)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_overview(request, context, visitor, "key", form, problem)
    made = MadeApiKey.model_validate_json(bytes(answer.body))
    return _show_secret(request, context, visitor, "key", made.label, made.api_key)


@pages.post("/keys/{key_id}/rotate")
async def rotate_key(
    request: Request, context: NodeContext, visitor: Keeper, key_id: KeyId, form: SentForm
) -> HTMLResponse:
    """A key in place of another, shown this once."""
    body = as_shape(RotateApiKey, {"overlapSeconds": _number(form.text("overlapSeconds"))})
    answer = await api_keys.rotate(context, visitor, request, key_id, body)
    made = MadeApiKey.model_validate_json(bytes(answer.body))
    return _show_secret(request, context, visitor, "key", made.label, made.api_key)


@pages.post("/keys/{key_id}/revoke")
async def revoke_key(
    request: Request, context: NodeContext, visitor: Keeper, key_id: KeyId
) -> Response:
    """Takes a key away at once."""
    await api_keys.revoke(context, visitor, key_id)
    return see_other(request, PATH)


@pages.post("/people")
async def invite(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """An invitation as a link, shown this once."""
    try:
        body = as_shape(InvitePerson, _granted(form))
        answer = await people.invite(context, visitor, request, body)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_overview(request, context, visitor, "person", form, problem)
    invited = InvitedPerson.model_validate_json(bytes(answer.body))
    return _show_secret(request, context, visitor, "invitation", invited.label, invited.link)


@pages.post("/people/{person_id}/role")
async def change_role(
    request: Request, context: NodeContext, visitor: Keeper, person_id: PersonId, form: SentForm
) -> Response:
    """Another role, from the next request on; the areas stay open to it all."""
    granted = _granted(form)
    body = as_shape(ChangeRole, {name: granted[name] for name in ("role", "areas")})
    await people.give_role(context, visitor, person_id, body)
    return see_other(request, PATH)


@pages.post("/people/{person_id}/remove")
async def remove_person(
    request: Request, context: NodeContext, visitor: Keeper, person_id: PersonId
) -> Response:
    """Forgets a person; sessions and invitation end at once."""
    await people.remove(context, visitor, person_id)
    return see_other(request, PATH)


@pages.get("/keys")
@pages.get("/people")
@pages.get("/webhooks")
@pages.get("/webhooks/{webhook_id}/redeliver")
async def form_again(request: Request, visitor: Visitor) -> Response:
    """Whoever asks in another language for the form that is shown again, or by its address."""
    return see_other(request, PATH)


@pages.post("/webhooks")
async def register_webhook(
    request: Request, context: NodeContext, visitor: WebhookKeeper, form: SentForm
) -> HTMLResponse:
    """A webhook, whose secret is shown this once."""
    asked = {
        "url": form.text("url"),
        "names": form.lines("names"),
        "includeUnfinal": bool(form.text("includeUnfinal")),
    }
    try:
        body = as_shape(RegisterWebhook, asked)
        answer = await webhooks.register(context, visitor, request, body)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_overview(request, context, visitor, "webhook", form, problem)
    made = RegisteredWebhook.model_validate_json(bytes(answer.body))
    return _show_secret(request, context, visitor, "webhook", made.url, made.secret)


@pages.post("/webhooks/{webhook_id}/redeliver")
async def redeliver(
    request: Request,
    context: NodeContext,
    visitor: WebhookKeeper,
    webhook_id: WebhookId,
    form: SentForm,
) -> Response:
    """Sends everything after a position again."""
    try:
        body = as_shape(Redeliver, {"after": form.text("after")})
        await webhooks.set_back(context, visitor, webhook_id, body)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        place = to_hex(webhook_id)
        return await _show_overview(request, context, visitor, place, form, problem)
    return see_other(request, PATH)


@pages.post("/webhooks/{webhook_id}/remove")
async def remove_webhook(
    request: Request, context: NodeContext, visitor: WebhookKeeper, webhook_id: WebhookId
) -> Response:
    """Sends nothing more and forgets the secret."""
    await webhooks.remove(context, visitor, webhook_id)
    return see_other(request, PATH)


def _show_secret(
    request: Request, context: Context, visitor: Principal, kind: str, name: str, secret: str
) -> HTMLResponse:
    values = {"kind": kind, "name": name, "secret": secret}
    return show(request, context, visitor, "secret.html", values)


def _granted(form: Form) -> dict[str, object]:
    """Without a chosen area it is all of them."""
    areas = [area.value for area in Area if form.text(f"area-{area}")]
    return {"label": form.text("label"), "role": form.text("role"), "areas": areas or None}


def _number(text: str) -> int | str:
    """What is no number is left for the shape to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text
