"""`/organisation/money/leaving`: an organisation takes a deposit back. It asks, waits for the end
of the notice and is paid; its own wallet sends both transactions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from indexer.queries.leavings import leavings_of
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_names import name_of
from node.api.organisation.amounts import read_amount
from node.api.organisation.deposits import read_deposit
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.money import PATH, Payout
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.shown_again import FAULTS, fault_of, show_form
from node.api.organisation.visitor import visiting
from node.api.organisation.wallet_calls import show_calls
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.schemas.base import Hash
from node.api.wording import wording_of
from node.commands.prepare_calls import (
    accounts_with,
    prepare_leave,
    prepare_leaving,
    require_participant,
)
from node.db import act_as, query, snapshots
from node.permissions import Area
from node.problems import Problem
from protocol.types import AccountAddress, AgreementId, OrganisationId, Scope, to_hex

pages = APIRouter(prefix="/organisation/money/leaving", route_class=PageRoute)
Writer = Annotated[Principal, visiting(Area.USAGE, write=True)]


@pages.get("/{agreement_id}")
async def leaving_form(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash
) -> HTMLResponse:
    """What there is, what was asked for, and from when on it is paid."""
    return await _show_leaving(request, context, visitor, agreement_id)


async def _show_leaving(
    request: Request,
    context: Context,
    visitor: Principal,
    agreement_id: bytes,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    own, agreement = OrganisationId(visitor.organisation_id), AgreementId(agreement_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, own)
        freshness, shown = await read_deposit(context, connection, own, agreement)
        asked = await query(connection, leavings_of, own, [agreement])
        participant = await require_participant(connection, own)
    leaving = asked.get(agreement)
    values = {
        **shown,
        "leaving": leaving,
        "is_due": leaving is not None and leaving.executable_at <= freshness.now,
        "accounts": [each.account for each in participant.accounts if each.retired_at is None],
    }
    return show_form(request, context, visitor, "leaving.html", values, form, problem)


@pages.post("/{agreement_id}")
async def ask(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> HTMLResponse:
    """The transaction that starts the notice."""
    own, agreement = OrganisationId(visitor.organisation_id), AgreementId(agreement_id)
    try:
        amount = read_amount(form.text("amount"), "amount")
        async with snapshots(context.database).connect() as connection:
            freshness = await require_fresh(context, connection)
            number = freshness.block.block_number
            call = await prepare_leaving(
                connection, context.deployment, own, agreement, amount, number
            )
            participant = await require_participant(connection, own)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_leaving(request, context, visitor, agreement_id, form, problem)
    senders = accounts_with(participant, Scope.CLAIM, freshness.now)
    words = wording_of(language_of(request)).money(amount)
    name = await name_of(context, visitor, agreement)
    said = {"amount": words, "agreement": name, "agreement_id": to_hex(agreement)}
    back = f"{PATH}/leaving/{to_hex(agreement)}"
    return show_calls(request, context, visitor, "leaving", [call], senders, back, said)


@pages.get("/{agreement_id}/pay")
async def pay_form(request: Request, visitor: Writer, agreement_id: Hash) -> Response:
    """Whoever asks in another language for the form that is shown again, or by its address."""
    return see_other(request, f"{PATH}/leaving/{to_hex(agreement_id)}")


@pages.post("/{agreement_id}/pay")
async def pay(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> HTMLResponse:
    """The transaction that pays what was asked for, once the notice is over."""
    own, agreement = OrganisationId(visitor.organisation_id), AgreementId(agreement_id)
    try:
        to = AccountAddress(as_shape(Payout, {"to": form.text("to")}).to)
        async with snapshots(context.database).connect() as connection:
            now = (await require_fresh(context, connection)).now
            call = await prepare_leave(connection, context.deployment, own, agreement, to, now)
            participant = await require_participant(connection, own)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_leaving(request, context, visitor, agreement_id, form, problem)
    senders = accounts_with(participant, Scope.CLAIM, now)
    name = await name_of(context, visitor, agreement)
    said = {"agreement": name, "agreement_id": to_hex(agreement), "account": to_hex(to)}
    return show_calls(request, context, visitor, "leave", [call], senders, PATH, said)
