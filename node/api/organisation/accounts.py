"""`/organisation/accounts`: the accounts that act for the organisation on the ledger, the operators
that it lets act, and how that changes: by the wallet of an account that manages it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from indexer.queries.participants import find_dids
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.shown_again import FAULTS, fault_of, show_form
from node.api.organisation.times import read_day
from node.api.organisation.visitor import visiting
from node.api.organisation.wallet_calls import show_calls
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.schemas.base import Address, Shape
from node.api.texts import texts_of
from node.commands.prepare_calls import (
    DELEGABLE,
    accounts_with,
    prepare_delegation,
    prepare_retirement,
    require_participant,
)
from node.db import query, snapshots
from node.permissions import Area
from node.problems import Problem
from node.wallet_calls import WalletCall
from protocol.identifiers import organisation_id
from protocol.types import AccountAddress, OrganisationId, Scope, to_hex

pages = APIRouter(prefix="/organisation/accounts", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.ACCESS)]
Keeper = Annotated[Principal, visiting(Area.ACCESS, write=True)]

PATH = "/organisation/accounts"


class NamedAccount(Shape):
    """An account by its address."""

    account: Annotated[Address, Field(description="20 bytes.")]


class NamedOperator(Shape):
    """An operator by its id."""

    operator: Annotated[Address, Field(description="20 bytes.")]


@pages.get("")
async def overview(request: Request, context: NodeContext, visitor: Reader) -> HTMLResponse:
    """Accounts and delegations, as the ledger has them now."""
    return await _show_overview(request, context, visitor)


async def _show_overview(
    request: Request,
    context: Context,
    visitor: Principal,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    own = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        participant = await require_participant(connection, own)
        operators = {each.operator for each in participant.delegations}
        dids = await query(connection, find_dids, operators)
    values = {
        "participant": participant,
        "dids": dids,
        "now": freshness.now,
        "delegable": DELEGABLE,
        "node_operator": context.settings.operator_did if context.operator != own else "",
        "names_of": _names_of,
    }
    return show_form(request, context, visitor, "accounts.html", values, form, problem)


@pages.get("/delegate")
async def form_again(request: Request, visitor: Reader) -> Response:
    """Whoever asks in another language for the form that is shown again, or by its address."""
    return see_other(request, PATH)


@pages.post("/delegate")
async def delegate(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """The transaction that lets an operator act."""
    try:
        scopes = scopes_in(form)
        expires_at = read_day(form.text("expiresAt"), "expiresAt")
        operator = _operator(form.text("operator"))
        return await _delegation(request, context, visitor, operator, scopes, expires_at)
    except FAULTS as error:
        problem = fault_of(error, request, form, "scopes")
        return await _show_overview(request, context, visitor, form, problem)


@pages.post("/end")
async def end(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """The transaction that ends what an operator may do."""
    operator = _operator(form.text("operator"))
    return await _delegation(request, context, visitor, operator, Scope(0), 0)


@pages.post("/retire")
async def retire(
    request: Request, context: NodeContext, visitor: Keeper, form: SentForm
) -> HTMLResponse:
    """The transaction that takes an account out of service, for good."""
    own = OrganisationId(visitor.organisation_id)
    account = AccountAddress(as_shape(NamedAccount, {"account": form.text("account")}).account)
    async with snapshots(context.database).connect() as connection:
        now = (await require_fresh(context, connection)).now
        participant = await require_participant(connection, own)
    call = prepare_retirement(context.deployment, participant, account)
    senders = sorted({account, *accounts_with(participant, Scope.MANAGE, now)})
    said = {"account": to_hex(account)}
    return show_calls(request, context, visitor, "retire", [call], senders, PATH, said)


async def _delegation(
    request: Request,
    context: Context,
    visitor: Principal,
    operator: OrganisationId,
    scopes: Scope,
    expires_at: int,
) -> HTMLResponse:
    own = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).connect() as connection:
        now = (await require_fresh(context, connection)).now
        call: WalletCall = await prepare_delegation(
            connection, context.deployment, own, operator, scopes, expires_at, now
        )
        participant = await require_participant(connection, own)
        dids = await query(connection, find_dids, [operator])
    senders = accounts_with(participant, Scope.MANAGE, now)
    named = names_of_scopes(scopes, language_of(request))
    said = {"operator": dids[operator], "scopes": named}
    kind = "delegate" if scopes else "endDelegation"
    return show_calls(request, context, visitor, kind, [call], senders, PATH, said)


def _operator(text: str) -> OrganisationId:
    """By its DID, or by its id."""
    if text.startswith("did:"):
        return organisation_id(text)
    return OrganisationId(as_shape(NamedOperator, {"operator": text}).operator)


def _names_of(scopes: Scope) -> list[str]:
    return [name_of_scope(each) for each in Scope if each in scopes]


def name_of_scope(scope: Scope) -> str:
    """As forms and texts name it."""
    return str(scope.name).lower()


def names_of_scopes(scopes: Scope, language: str) -> str:
    """What they allow, in words."""
    words = texts_of(language)["organisation"]["scopes"]
    return ", ".join(words[name] for name in _names_of(scopes))


def scopes_in(form: Form) -> Scope:
    """Those that are ticked; raises a problem if none is."""
    scopes = Scope(sum(each for each in Scope if form.text(f"scope-{name_of_scope(each)}")))
    if not scopes:
        remedy = "Choose one at least."
        raise Problem.of("request-invalid", "No scope is chosen.", remedy).about("scopes")
    return scopes
