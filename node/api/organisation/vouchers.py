"""`/organisation/money/vouchers`: the consumer's word over a month of use, signed by its own
account; brought to the chain, and followed until nothing takes it back."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_dids
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_names import names_of
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.outbox import blocks_left
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.shown_again import FAULTS, fault_of, show_form
from node.api.organisation.visitor import visiting
from node.api.organisation.voucher_states import newest_vouchers, see_voucher
from node.api.principal import Principal
from node.api.routes import settlements, usages, vouchers
from node.api.schemas.base import Hash, PeriodLabel
from node.api.schemas.usages import HeldVoucher, SettleVoucher, SignedVoucher
from node.commands.list_vouchers import find_voucher
from node.commands.prepare_calls import accounts_with, require_participant
from node.db import act_as, query
from node.permissions import Area
from node.problems import Problem, not_found
from protocol.signing import voucher_digest
from protocol.types import OrganisationId, Scope, to_hex

pages = APIRouter(prefix="/organisation/money", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.USAGE)]
Writer = Annotated[Principal, visiting(Area.USAGE, write=True)]

PATH = "/organisation/money/vouchers"
SHOWN = 20


@pages.get("/vouchers")
async def list_own(
    request: Request, context: NodeContext, visitor: Reader, after: Hash | None = None
) -> HTMLResponse:
    """The one signed last first, whatever month it is of."""
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        freshness = await require_fresh(context, connection)
        finality = context.settings.finality_blocks
        seen, following = await newest_vouchers(connection, freshness, finality, after, SHOWN)
        dids = await query(connection, find_dids, {each.consumer for each in seen})
    values = {
        "vouchers": seen,
        "next": following,
        "after": after,
        "dids": dids,
        "agreement_names": await names_of(context, visitor, {each.agreement_id for each in seen}),
    }
    return show(request, context, visitor, "vouchers.html", values)


@pages.get("/vouchers/{voucher_id}")
async def show_one(
    request: Request, context: NodeContext, visitor: Reader, voucher_id: Hash
) -> HTMLResponse:
    """What it is over, and how far its settlement is."""
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        freshness = await require_fresh(context, connection)
        row = await _find(connection, voucher_id)
        final_block = freshness.block.block_number - context.settings.finality_blocks
        seen = await see_voucher(connection, row, final_block)
        dids = await query(connection, find_dids, [seen.consumer])
    values = {
        "voucher": seen,
        "held": HeldVoucher.of(row),
        "blocks_left": partial(blocks_left, context, freshness),
        "dids": dids,
        "agreement_names": await names_of(context, visitor, [seen.agreement_id]),
    }
    return show(request, context, visitor, "voucher.html", values)


@pages.post("/vouchers/{voucher_id}/settle")
async def settle(
    request: Request, context: NodeContext, visitor: Writer, voucher_id: Hash, form: SentForm
) -> Response:
    """Asks for its settlement; one that is on its way already is followed instead."""
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        held = HeldVoucher.of(await _find(connection, voucher_id))
    asked: dict[str, Any] = held.to_json()
    del asked["settlementId"]
    body = as_shape(SettleVoucher, {**asked, "upTo": form.text("upTo") or None})
    try:
        await settlements.settle(context, visitor, request, body)
    except Problem as problem:
        if problem.slug != "settlement-queued":
            raise
    return see_other(request, f"{PATH}/{to_hex(voucher_id)}")


@pages.get("/sign/{agreement_id}/{month}")
async def sign_form(
    request: Request,
    context: NodeContext,
    visitor: Writer,
    agreement_id: Hash,
    month: PeriodLabel,
) -> HTMLResponse:
    """What an account of the organisation would sign, and with which."""
    return await _show_signing(request, context, visitor, agreement_id, month)


async def _show_signing(
    request: Request,
    context: Context,
    visitor: Principal,
    agreement_id: bytes,
    month: str,
    form: Form | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    asked = await usages.show(context, visitor, agreement_id, month)
    async with context.database.connect() as connection:
        now = (await require_fresh(context, connection)).now
        own = OrganisationId(visitor.organisation_id)
        participant = await require_participant(connection, own)
    signers = accounts_with(participant, Scope.VOUCHER, now)
    values = {
        "asked": asked,
        "agreement_names": await names_of(context, visitor, [agreement_id]),
        "month": month,
        "signers": signers,
        "for_script": json.dumps(
            {"typedData": asked.typed_data, "signers": [to_hex(each) for each in signers]}
        ),
    }
    return show_form(request, context, visitor, "voucher_sign.html", values, form, problem)


@pages.post("/sign/{agreement_id}/{month}")
async def keep_signed(
    request: Request,
    context: NodeContext,
    visitor: Writer,
    agreement_id: Hash,
    month: PeriodLabel,
    form: SentForm,
) -> Response:
    """Keeps the signed voucher; what was recorded since it was shown is not in it."""
    voucher = {
        "agreementId": to_hex(agreement_id),
        "consumer": to_hex(visitor.organisation_id),
        "period": month,
        "units": form.text("units"),
        "usageRoot": form.text("usageRoot"),
    }
    signed = {"signer": form.text("signer"), "signature": form.text("signature")}
    try:
        body = as_shape(SignedVoucher, {"voucher": voucher, **signed})
        await vouchers.store(context, visitor, request, body)
    except FAULTS as error:
        problem = fault_of(error, request, form)
        return await _show_signing(request, context, visitor, agreement_id, month, form, problem)
    return see_other(request, f"{PATH}/{to_hex(_digest(context, body))}")


def _digest(context: Context, signed: SignedVoucher) -> bytes:
    deployment = context.deployment
    settlement = deployment.address_bytes("UsageSettlement")
    return voucher_digest(signed.voucher.to_voucher(), deployment.chain_id, settlement)


async def _find(connection: AsyncConnection, voucher_id: bytes) -> Row[Any]:
    row = await find_voucher(connection, voucher_id)
    if row is None:
        raise not_found("settlement", to_hex(voucher_id), "The list has those that you hold.")
    return row
