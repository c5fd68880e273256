"""`/organisation/money`: tokens, deposits and what can be claimed; and how they are moved, by the
organisation's own wallet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from indexer.queries.participants import find_dids
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_names import name_of
from node.api.organisation.amounts import read_amount
from node.api.organisation.deposits import read_deposit
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.page_route import PageRoute
from node.api.organisation.rendering import show
from node.api.organisation.shown_again import FAULTS, fault_of, show_form
from node.api.organisation.visitor import visiting
from node.api.organisation.voucher_states import VoucherSeen, newest_vouchers
from node.api.organisation.wallet_calls import show_calls
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.schemas.base import Address, Hash, Shape
from node.api.wording import wording_of
from node.commands.name_agreements import name_agreements
from node.commands.prepare_calls import (
    accounts_with,
    prepare_claim,
    prepare_deposit,
    require_participant,
)
from node.commands.show_money import Deposit, read_money
from node.db import act_as, query, snapshots
from node.permissions import Area
from node.problems import Problem
from protocol.booking import amount_text
from protocol.types import AccountAddress, AgreementId, AmountMinor, OrganisationId, Scope, to_hex

pages = APIRouter(prefix="/organisation/money", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.USAGE)]
Writer = Annotated[Principal, visiting(Area.USAGE, write=True)]

PATH = "/organisation/money"
VOUCHERS_SHOWN = 10


class Payout(Shape):
    """Where a claim is paid to."""

    to: Address


@pages.get("")
async def overview(request: Request, context: NodeContext, visitor: Reader) -> HTMLResponse:
    """What there is, what has still to be paid, and the newest vouchers."""
    own = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, own)
        freshness = await require_fresh(context, connection)
        money = await read_money(connection, own, freshness.block.block_number)
        vouchers, _ = await newest_vouchers(
            connection, freshness, context.settings.finality_blocks, None, VOUCHERS_SHOWN
        )
        shown: list[Deposit | VoucherSeen] = [*money.deposits, *vouchers]
        dids = await query(connection, find_dids, {each.consumer for each in shown})
        names = await name_agreements(connection, own, {each.agreement_id for each in shown})
    values = {
        "agreement_names": names,
        "money": money,
        "vouchers": vouchers,
        "dids": dids,
        "own": own,
        "block": freshness.block,
    }
    return show(request, context, visitor, "money.html", values)


@pages.get("/deposit/{agreement_id}")
async def deposit_form(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash
) -> HTMLResponse:
    """How much is deposited."""
    return await _show_deposit(request, context, visitor, agreement_id)


async def _show_deposit(
    request: Request,
    context: Context,
    visitor: Principal,
    agreement_id: bytes,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    own = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, own)
        _, values = await read_deposit(context, connection, own, AgreementId(agreement_id))
    return show_form(request, context, visitor, "deposit.html", values, form, problem)


@pages.post("/deposit/{agreement_id}")
async def deposit(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> HTMLResponse:
    """The transactions that deposit it."""
    own, agreement = OrganisationId(visitor.organisation_id), AgreementId(agreement_id)
    try:
        amount = read_amount(form.text("amount"), "amount")
        async with snapshots(context.database).connect() as connection:
            now = (await require_fresh(context, connection)).now
            calls = await prepare_deposit(
                connection, context.deployment, own, agreement, amount, now
            )
            participant = await require_participant(connection, own)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_deposit(request, context, visitor, agreement_id, form, problem)
    senders = accounts_with(participant, Scope.CLAIM, now)
    name = await name_of(context, visitor, agreement)
    said = {
        "amount": _in_words(request, amount),
        "agreement": name,
        "agreement_id": to_hex(agreement),
    }
    return show_calls(request, context, visitor, "deposit", calls, senders, PATH, said)


@pages.get("/claim")
async def claim_form(request: Request, context: NodeContext, visitor: Writer) -> HTMLResponse:
    """How much is claimed, and to which account."""
    return await _show_claim(request, context, visitor)


async def _show_claim(
    request: Request,
    context: Context,
    visitor: Principal,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    own = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, own)
        freshness = await require_fresh(context, connection)
        money = await read_money(connection, own, freshness.block.block_number)
        participant = await require_participant(connection, own)
    accounts = [each.account for each in participant.accounts if each.retired_at is None]
    values = {
        "claimable": amount_text(money.claimable_minor),
        "claimable_minor": money.claimable_minor,
        "accounts": accounts,
    }
    return show_form(request, context, visitor, "claim.html", values, form, problem)


@pages.post("/claim")
async def claim(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> HTMLResponse:
    """The transaction that claims it."""
    own = OrganisationId(visitor.organisation_id)
    try:
        amount = read_amount(form.text("amount"), "amount")
        to = AccountAddress(as_shape(Payout, {"to": form.text("to")}).to)
        async with snapshots(context.database).connect() as connection:
            freshness = await require_fresh(context, connection)
            number = freshness.block.block_number
            call = await prepare_claim(connection, context.deployment, own, to, amount, number)
            participant = await require_participant(connection, own)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_claim(request, context, visitor, form, problem)
    senders = accounts_with(participant, Scope.CLAIM, freshness.now)
    said = {"amount": _in_words(request, amount), "account": to_hex(to)}
    return show_calls(request, context, visitor, "claim", [call], senders, PATH, said)


def _in_words(request: Request, amount: AmountMinor) -> str:
    return wording_of(language_of(request)).money(amount)
