"""`/organisation/accounts/bind`: a further account of the organisation. First it signs that it
belongs to it, then an account that manages the organisation sends the transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.accounts import PATH, name_of_scope, names_of_scopes, scopes_in
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.shown_again import FAULTS, fault_of, show_form
from node.api.organisation.times import read_day
from node.api.organisation.visitor import visiting
from node.api.organisation.wallet_calls import show_calls
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.schemas.base import Address, HexBytes, Shape
from node.commands.prepare_calls import (
    accounts_with,
    prepare_binding,
    require_free,
    require_participant,
)
from node.db import snapshots
from node.permissions import Area
from node.problems import Problem
from protocol.signing import typed_data_account_binding
from protocol.types import UINT40_MAX, AccountAddress, OrganisationId, Scope, to_hex

pages = APIRouter(prefix="/organisation/accounts/bind", route_class=PageRoute)
Keeper = Annotated[Principal, visiting(Area.ACCESS, write=True)]

FOREVER = UINT40_MAX


class Bound(Shape):
    """The account that is bound."""

    account: Annotated[Address, Field(description="20 bytes.")]


class Proof(Shape):
    """Its word that it belongs to the organisation."""

    signature: HexBytes


@dataclass(frozen=True, slots=True)
class Binding:
    """What a form asks for; `expires_at` is FOREVER where it names no day."""

    account: AccountAddress
    scopes: Scope
    expires_at: int


@pages.get("")
async def ask(request: Request, context: NodeContext, visitor: Keeper) -> HTMLResponse:
    """Which account, what it may do, and until when."""
    return _show_asking(request, context, visitor)


@pages.post("")
async def prepare(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """What the account would sign."""
    try:
        binding = _read(form)
        async with snapshots(context.database).connect() as connection:
            now = (await require_fresh(context, connection)).now
            await require_free(connection, *_fields_of(binding), now)
    except FAULTS as error:
        problem = fault_of(error, request, form, "scopes")
        return _show_asking(request, context, visitor, form, problem)
    return _show_signing(request, context, visitor, binding)


@pages.get("/signed")
async def form_again(request: Request, visitor: Keeper) -> Response:
    """Whoever asks in another language for the form that is shown again, or by its address."""
    return see_other(request, f"{PATH}/bind")


@pages.post("/signed")
async def bind(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """The transaction that binds it."""
    own, binding = OrganisationId(visitor.organisation_id), _read(form)
    try:
        signature = as_shape(Proof, {"signature": form.text("signature")}).signature
        async with snapshots(context.database).connect() as connection:
            now = (await require_fresh(context, connection)).now
            call = await prepare_binding(
                connection, context.deployment, own, *_fields_of(binding), signature, now
            )
            participant = await require_participant(connection, own)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return _show_signing(request, context, visitor, binding, form, problem)
    senders = accounts_with(participant, Scope.MANAGE, now)
    named = names_of_scopes(binding.scopes, language_of(request))
    said = {"account": to_hex(binding.account), "scopes": named}
    return show_calls(request, context, visitor, "bind", [call], senders, PATH, said)


def _read(form: Form) -> Binding:
    day = form.text("expiresAt")
    expires_at = read_day(day, "expiresAt") if day else FOREVER
    account = as_shape(Bound, {"account": form.text("account")}).account
    return Binding(AccountAddress(account), scopes_in(form), expires_at)


def _fields_of(binding: Binding) -> tuple[AccountAddress, Scope, int]:
    return binding.account, binding.scopes, binding.expires_at


def _show_asking(
    request: Request,
    context: Context,
    visitor: Principal,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    values = {"scopes": [name_of_scope(each) for each in Scope]}
    return show_form(request, context, visitor, "account_bind.html", values, form, problem)


def _show_signing(
    request: Request,
    context: Context,
    visitor: Principal,
    binding: Binding,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    deployment = context.deployment
    typed_data = typed_data_account_binding(
        OrganisationId(visitor.organisation_id),
        binding.account,
        deployment.chain_id,
        deployment.address_bytes("ParticipantRegistry"),
    )
    account = to_hex(binding.account)
    values = {
        "binding": binding,
        "is_for_ever": binding.expires_at == FOREVER,
        "named": names_of_scopes(binding.scopes, language_of(request)),
        "scopes": [name_of_scope(each) for each in Scope if each in binding.scopes],
        "typed_data": typed_data,
        "for_script": json.dumps({"typedData": typed_data, "signers": [account]}),
    }
    return show_form(request, context, visitor, "account_sign.html", values, form, problem)
