"""`/organisation/agreements/import`: a file of the association's contract manager or catalogue
becomes a form that is filled in as far as the file goes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_dids
from node.api.context import NodeContext
from node.api.json_depth import JSON_DEPTH_MAX, is_too_deep
from node.api.organisation.agreement_form import imported_form
from node.api.organisation.forms import SentForm
from node.api.organisation.page_route import PageRoute
from node.api.organisation.policy_words import rules_of
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.commands.find_by_catalogue_id import find_by_catalogue_id
from node.db import query
from node.intake.contract_import import Understanding, understand
from node.permissions import Area
from node.problems import refused
from protocol.catalogue import is_offer
from protocol.errors import DocumentUnreadable, ProtocolError
from protocol.types import OrganisationId

pages = APIRouter(prefix="/organisation/agreements", route_class=PageRoute)
Writer = Annotated[Principal, visiting(Area.AGREEMENTS, write=True)]


@pages.get("/import")
async def import_form(request: Request, context: NodeContext, visitor: Writer) -> HTMLResponse:
    """Where a file is chosen."""
    return show(request, context, visitor, "agreement_import.html", {"problem": None})


@pages.post("/import")
async def understand_file(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> HTMLResponse:
    """What was understood of a file, what is missing, what is not taken over; nothing is written.
    From here a form leads on, which has all of it."""
    try:
        source, understood = await run_in_threadpool(_understand, form.files.get("file", b""))
    except ProtocolError as error:
        problem = refused(error)
        return show(
            request, context, visitor, "agreement_import.html", {"problem": problem}, problem.status
        )
    own = OrganisationId(visitor.organisation_id)
    async with context.database.connect() as connection:
        own_did = (await query(connection, find_dids, [own]))[own]
        dids = await _dids_of(connection, understood)
    fields = imported_form(understood, dids, own_did, int(time.time()))
    if understood.is_document:
        fields["document"] = json.dumps(source, ensure_ascii=False)
    values = {
        "understood": understood,
        "dids": dids,
        "own_did": own_did,
        "fields": fields,
        "rules": rules_of(source) if understood.is_document else (),
        "file": json.dumps(source, indent=2, ensure_ascii=False),
        "is_offer": is_offer(source),
    }
    return show(request, context, visitor, "agreement_understood.html", values)


def _understand(content: bytes) -> tuple[dict[str, Any], Understanding]:
    if is_too_deep(content):
        raise DocumentUnreadable(kind="file", reason=f"it is more than {JSON_DEPTH_MAX} deep")
    return understand(content)


async def _dids_of(connection: AsyncConnection, understood: Understanding) -> Mapping[str, str]:
    """By catalogue id: the DID that the file has, or the participant's."""
    unknown = [each.catalogue_id for each in understood.parties if each.did is None]
    told = {each.catalogue_id: each.did for each in understood.parties if each.did is not None}
    return told | await find_by_catalogue_id(connection, unknown)
