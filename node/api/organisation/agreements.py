"""`/organisation/agreements`: an organisation's agreements, and what it may do with each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import AfterValidator

from indexer.queries.agreements import rulebooks_of
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_form import read_json_object
from node.api.organisation.agreement_reading import CONSENTS_COUNTED_MAX, find_kept, read_agreement
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.forms import SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.routes import agreements
from node.api.schemas.agreements import (
    Agreement,
    KeepDocument,
    PendingAgreement,
    Reason,
    SignAgreement,
)
from node.api.schemas.base import Hash, wrong_value
from node.api.wording import wording_of
from node.commands.list_agreements import STATES, list_agreements, proposals_under_way
from node.commands.name_agreements import name_agreements
from node.db import act_as, query, snapshots
from node.permissions import Area
from node.problems import Problem, not_found
from node.sending.start import open_signer
from node.signers import SignerUnreachable
from protocol.eip712 import preimage_of_typed_data
from protocol.types import ZERO_HASH, OrganisationId, to_hex

pages = APIRouter(prefix="/organisation/agreements", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.AGREEMENTS)]
Writer = Annotated[Principal, visiting(Area.AGREEMENTS, write=True)]

PATH = "/organisation/agreements"
SHOWN = 50


def _known(state: str) -> str:
    if state not in STATES:
        raise wrong_value("There is no such state.", f"Choose among {', '.join(STATES)}.")
    return state


State = Annotated[Annotated[str, AfterValidator(_known)] | None, BlankIsNone]


@pages.get("")
async def list_own(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    state: State = None,
    after: Hash | None = None,
) -> HTMLResponse:
    """The newest first; before them, what this node has promised to propose."""
    organisation = OrganisationId(visitor.organisation_id)
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, organisation)
        freshness = await require_fresh(context, connection)
        found = await list_agreements(connection, organisation, freshness.now, SHOWN, state, after)
        under_way = await proposals_under_way(connection, organisation)
        ids = [each.row.agreement_id for each in found.agreements]
        named = [*ids, *(each.agreement_id for each in under_way)]
        names = await name_agreements(connection, organisation, named)
    values = {
        "found": found,
        "under_way": under_way,
        "names": names,
        "asked": {"state": state, "after": None if after is None else to_hex(after)},
        "states": STATES,
    }
    return show(request, context, visitor, "agreements.html", values)


@pages.get("/rulebooks")
async def list_rulebooks(request: Request, context: NodeContext, visitor: Reader) -> HTMLResponse:
    """The versions of the rulebook that the organisation's agreements name."""
    async with context.database.connect() as connection:
        await require_fresh(context, connection)
        found = await query(connection, rulebooks_of, visitor.organisation_id)
    return show(request, context, visitor, "rulebooks.html", {"rulebooks": found})


@pages.get("/{agreement_id}")
async def show_one(
    request: Request, context: NodeContext, visitor: Reader, agreement_id: Hash
) -> HTMLResponse:
    """One agreement: who has agreed on what, where it stands, and what may be done."""
    shown = await agreements.show(context, visitor, agreement_id)
    assert isinstance(shown, Agreement | PendingAgreement), "only a past time has no agreement"
    organisation = OrganisationId(visitor.organisation_id)
    wording = wording_of(language_of(request))
    async with context.database.begin() as connection:
        await act_as(connection, organisation)
        reading = await read_agreement(connection, organisation, shown, wording)
    acceptance = None
    if reading.awaits_signature:
        asked = await agreements.show_acceptance(context, visitor, agreement_id)
        acceptance = json.dumps(asked.typed_data)
    document = None if reading.document is None else reading.document.source
    history = shown.history if isinstance(shown, Agreement) else []
    values = {
        "shown": shown,
        "reading": reading,
        "dids": {party.organisation: party.did for party in reading.parties},
        "document": document and json.dumps(document, indent=2, ensure_ascii=False),
        "acceptance": acceptance,
        "is_operator": organisation == context.operator,
        "was_active": any(change.state == "active" for change in history),
        "no_hash": ZERO_HASH,
        "counted_max": CONSENTS_COUNTED_MAX,
        "done": request.query_params.get("done"),
    }
    return show(request, context, visitor, "agreement.html", values)


@pages.post("/{agreement_id}/document")
async def keep_document(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> Response:
    """Compares a file with the hashes that the terms name, and keeps it if it has them."""
    source = await run_in_threadpool(_read_file, form.files.get("file", b""))
    body = as_shape(KeepDocument, {"document": source})
    await agreements.keep(context, visitor, request, agreement_id, body)
    return _shown_again(request, agreement_id, "document")


@pages.get("/{agreement_id}/document.json")
async def download_document(
    context: NodeContext, visitor: Reader, agreement_id: Hash
) -> JSONResponse:
    """The document that the organisation keeps, to be given to the other parties."""
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        kept = await find_kept(connection, agreement_id)
    if kept is None or kept.document is None:
        remedy = "Only who has brought an agreement's document to this node has it here."
        raise not_found("agreement", to_hex(agreement_id), remedy)
    named = {"Content-Disposition": f'attachment; filename="{to_hex(agreement_id)[:10]}.json"'}
    return JSONResponse(kept.document, headers=named)


@pages.post("/{agreement_id}/sign")
async def sign(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> Response:
    """With a signature that a wallet has made."""
    asked = form.chosen("signer", "signature")
    return await _sign(request, context, visitor, agreement_id, asked)


@pages.post("/{agreement_id}/sign-by-node")
async def sign_by_node(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash
) -> Response:
    """With the operator's key, if the operator itself is the party: a key signs for its own
    organisation alone."""
    if visitor.organisation_id != context.operator:
        raise Problem.of("not-the-operator")
    asked = await agreements.show_acceptance(context, visitor, agreement_id)
    try:
        signed = await run_in_threadpool(_sign_as_operator, context, asked.typed_data)
    except SignerUnreachable as error:
        raise Problem.of("signer-unreachable", str(error)) from error
    return await _sign(request, context, visitor, agreement_id, signed)


@pages.post("/{agreement_id}/suspend")
async def suspend(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> Response:
    """Until the organisation resumes it."""
    reason = as_shape(Reason, form.chosen("reasonHash"))
    await agreements.suspend(context, visitor, request, agreement_id, reason)
    return _shown_again(request, agreement_id, "suspend")


@pages.post("/{agreement_id}/resume")
async def resume(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash
) -> Response:
    """Takes the organisation's own suspension back."""
    await agreements.resume(context, visitor, request, agreement_id)
    return _shown_again(request, agreement_id, "resume")


@pages.post("/{agreement_id}/terminate")
async def terminate(
    request: Request, context: NodeContext, visitor: Writer, agreement_id: Hash, form: SentForm
) -> Response:
    """For ever; the form has said so, and asked whether that was read."""
    if not form.text("understood"):
        detail = "It was not confirmed that this cannot be undone."
        raise Problem.of("request-invalid", detail, "Confirm it.").about("understood")
    reason = as_shape(Reason, form.chosen("reasonHash"))
    await agreements.terminate(context, visitor, request, agreement_id, reason)
    return _shown_again(request, agreement_id, "terminate")


async def _sign(
    request: Request,
    context: Context,
    visitor: Principal,
    agreement_id: bytes,
    signed: Mapping[str, str],
) -> Response:
    body = as_shape(SignAgreement, {"organisation": to_hex(visitor.organisation_id), **signed})
    await agreements.sign(context, visitor, request, agreement_id, body)
    return _shown_again(request, agreement_id, "sign")


def _read_file(content: bytes) -> dict[str, Any]:
    try:
        return read_json_object(content.decode("utf-8-sig"))
    except ValueError as error:
        detail = f"The file is no JSON object: {error}."
        raise Problem.of(
            "request-invalid", detail, "Choose the file that you were sent."
        ) from error


def _sign_as_operator(context: Context, typed_data: Mapping[str, Any]) -> dict[str, str]:
    signer = open_signer(context.settings, context.deployment)
    signature = signer.sign_message(preimage_of_typed_data(typed_data))
    return {"signer": to_hex(signer.address), "signature": to_hex(signature)}


def _shown_again(request: Request, agreement_id: bytes, done: str) -> Response:
    return see_other(request, f"{PATH}/{to_hex(agreement_id)}", done=done)
