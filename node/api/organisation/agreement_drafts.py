"""`/organisation/agreements/new`: propose an agreement, after a look at all that it says."""

from __future__ import annotations

import json
import time
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from indexer.queries.agreements import find_agreement
from indexer.queries.participants import find_dids, list_dids
from indexer.queries.rates import rates_in_force
from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_form import (
    LINE,
    Draft,
    Fields,
    empty_form,
    filled_form,
    line_rows,
    party_rows,
    place_faults,
    read_draft,
    read_fields,
)
from node.api.organisation.agreement_reading import find_kept, read_document, show_lines
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.forms import SentForm, as_shape
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.routes import agreements
from node.api.schemas.agreements import ProposeAgreement
from node.api.schemas.base import Hash
from node.api.wording import wording_of
from node.commands.propose_agreement import propose_agreement
from node.db import act_as, query
from node.permissions import Area
from node.problems import Problem, not_found
from protocol.agreement import Terms
from protocol.periods import period_of
from protocol.signing import agreement_id_of
from protocol.terms_json import terms_to_json
from protocol.types import ZERO_HASH, AgreementId, OrganisationId, UnixSeconds, to_hex

pages = APIRouter(prefix="/organisation/agreements", route_class=PageRoute)
Writer = Annotated[Principal, visiting(Area.AGREEMENTS, write=True)]
OneOf = Annotated[Hash | None, BlankIsNone]

PATH = "/organisation/agreements"
PARTICIPANTS_MAX = 500
MORE_PARTIES, MORE_LINES, CHANGE, PROPOSE = "more-parties", "more-lines", "change", "propose"
NOT_OF_THE_FORM = ("session-ended", "index-stale", "database-unavailable")


@pages.get("/new")
async def new(
    request: Request,
    context: NodeContext,
    visitor: Writer,
    like: OneOf = None,
    supplements: OneOf = None,
) -> HTMLResponse:
    """A form, empty or with an agreement's terms: to propose others in their place, or a supplement
    to those that were in force."""
    of = like or supplements
    if of is None:
        fields = empty_form(await _own_did(context, visitor), int(time.time()))
    else:
        fields = await _fields_like(context, visitor, of)
    if supplements is not None:
        fields["parent"] = to_hex(supplements)
    return await show_form(request, context, visitor, fields)


@pages.post("/new")
async def go_on(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> Response:
    """One step further: more rows, a look at everything, back to the form, or the proposal."""
    fields, step = read_fields(form), form.text("step")
    if step == MORE_PARTIES:
        fields[f"party-{party_rows(fields) + 1}"] = ""
    elif step == MORE_LINES:
        fields |= {f"line-{line_rows(fields) + 1}-{name}": "" for name in LINE}
    if step in (MORE_PARTIES, MORE_LINES, CHANGE):
        return await show_form(request, context, visitor, fields)
    try:
        draft = read_draft(fields, await _own_did(context, visitor))
        if step == PROPOSE:
            return await _propose(request, context, visitor, draft)
        await _try(context, visitor, draft)
    except Problem as problem:
        if problem.slug in NOT_OF_THE_FORM:
            raise
        place_faults(problem, fields)
        return await show_form(request, context, visitor, fields, problem)
    return _show_check(request, context, visitor, fields, draft)


async def show_form(
    request: Request,
    context: Context,
    visitor: Principal,
    fields: Fields,
    problem: Problem | None = None,
) -> HTMLResponse:
    """What is filled in so far; what is wrong with it stands beside."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        period = period_of(UnixSeconds(freshness.now))
        rates = await query(connection, rates_in_force, period)
        participants = await query(connection, list_dids, PARTICIPANTS_MAX)
    wording = wording_of(language_of(request))
    values = {
        "fields": fields,
        "party_rows": party_rows(fields),
        "line_rows": line_rows(fields),
        "participants": participants,
        "rates": {category: wording.percent(rate) for category, rate in sorted(rates.items())},
        "problem": problem,
        "wrong": {} if problem is None else {error.field: error for error in problem.errors},
    }
    status = 200 if problem is None else problem.status
    return show(request, context, visitor, "agreement_new.html", values, status)


def _show_check(
    request: Request, context: Context, visitor: Principal, fields: Fields, draft: Draft
) -> HTMLResponse:
    wording, terms = wording_of(language_of(request)), draft.terms
    values = {
        "fields": fields,
        "terms": terms,
        "parties": [draft.dids[each] for each in terms.parties],
        "lines": show_lines(terms.lines, draft.dids, wording),
        "reading": read_document(draft.document),
        "document": json.dumps(draft.document, indent=2, ensure_ascii=False),
        "no_hash": ZERO_HASH,
    }
    return show(request, context, visitor, "agreement_check.html", values)


async def _propose(
    request: Request, context: Context, visitor: Principal, draft: Draft
) -> Response:
    """Sent twice it is proposed once: the same fields are the same terms."""
    body = _body_of(draft)
    try:
        await agreements.propose(context, visitor, request, body)
    except Problem as problem:
        if problem.slug != "already-proposed":
            raise
    agreement_id = _id_of(context, draft.terms)
    return see_other(request, f"{PATH}/{to_hex(agreement_id)}", done="propose")


async def _try(context: Context, visitor: Principal, draft: Draft) -> None:
    """All that the proposal would be checked for, and nothing written."""
    body, organisation = _body_of(draft), OrganisationId(visitor.organisation_id)
    async with context.database.connect() as connection:
        await act_as(connection, organisation)
        freshness = await require_fresh(context, connection)
        await propose_agreement(
            connection,
            context.deployment,
            context.operator,
            organisation,
            body.terms.to_terms(),
            body.document,
            freshness.now,
        )
        await connection.rollback()


async def _fields_like(context: Context, visitor: Principal, agreement_id: bytes) -> Fields:
    organisation = OrganisationId(visitor.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, organisation)
        known = await query(connection, find_agreement, agreement_id)
        if known is None or organisation not in known.terms.parties:
            remedy = "Only a party proposes other terms; the list shows your agreements."
            raise not_found("agreement", to_hex(agreement_id), remedy)
        kept = await find_kept(connection, agreement_id)
        dids = await query(connection, find_dids, known.terms.parties)
    document = None if kept is None else kept.document
    return filled_form(known.terms, document, organisation, dids, int(time.time()))


async def _own_did(context: Context, visitor: Principal) -> str:
    organisation = OrganisationId(visitor.organisation_id)
    async with context.database.connect() as connection:
        return (await query(connection, find_dids, [organisation]))[organisation]


def _body_of(draft: Draft) -> ProposeAgreement:
    body = {"terms": terms_to_json(draft.terms), "document": draft.document}
    return as_shape(ProposeAgreement, body)


def _id_of(context: Context, terms: Terms) -> AgreementId:
    registry = context.deployment.address_bytes("AgreementRegistry")
    return agreement_id_of(terms, context.deployment.chain_id, registry)
