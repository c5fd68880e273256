"""`/organisation/catalogue`: the offers that an organisation knows, its own and those of partners,
and what an agreement can be made of."""

from __future__ import annotations

import json
import time
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from indexer.queries.participants import find_dids
from node.api.context import NodeContext
from node.api.json_depth import JSON_DEPTH_MAX, is_too_deep
from node.api.organisation.agreement_form import imported_form
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.forms import SentForm
from node.api.organisation.offer_reading import show_offer, show_offers
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.page_rendering import language_of
from node.api.principal import Principal
from node.api.schemas.base import Hash, StoredText, require_storable
from node.api.wording import wording_of
from node.commands.find_by_catalogue_id import find_by_catalogue_id
from node.commands.keep_offers import (
    find_kept_hashes,
    find_offer,
    hash_offer_id,
    keep_offers,
    list_offers,
    remove_offer,
)
from node.db import act_as, query
from node.intake.catalogue_file import TEXT_LENGTH_MAX, Offer, read_catalogue_file
from node.intake.contract_import import understand_offer
from node.permissions import Area
from node.problems import refused
from protocol.errors import DocumentUnreadable, ProtocolError
from protocol.types import OrganisationId, to_hex

pages = APIRouter(prefix="/organisation/catalogue", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.AGREEMENTS)]
Writer = Annotated[Principal, visiting(Area.AGREEMENTS, write=True)]
Part = Annotated[Annotated[StoredText, Field(max_length=TEXT_LENGTH_MAX)] | None, BlankIsNone]

PATH = "/organisation/catalogue"
SHOWN = 50


@pages.get("")
async def list_own(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    name: Part = None,
    after: Hash | None = None,
) -> HTMLResponse:
    """By their names; those with a part in their name, if one is asked for."""
    wording = wording_of(language_of(request))
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        found = await list_offers(connection, SHOWN + 1, name, after)
        offers = await show_offers(connection, [each.offer for each in found[:SHOWN]], wording)
        own = await query(connection, find_dids, [visitor.organisation_id])
    values = {
        "offers": offers,
        "own_dids": own.values(),
        "asked": {"name": name, "after": after},
        "next": offers[-1].offer_hash if len(found) > SHOWN else None,
        "kept": request.query_params.get("kept", ""),
        "removed": request.query_params.get("removed"),
    }
    return show(request, context, visitor, "catalogue.html", values)


@pages.post("")
async def keep(request: Request, context: NodeContext, visitor: Writer, form: SentForm) -> Response:
    """What was shown as understood; an entry with an id that is kept already takes its place."""
    offers = await run_in_threadpool(_read, form.text("entries").encode())
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        await keep_offers(connection, OrganisationId(visitor.organisation_id), offers)
    path = f"{PATH}/{to_hex(hash_offer_id(offers[0].reading.offer_id))}"
    return see_other(request, path if len(offers) == 1 else PATH, kept=len(offers))


@pages.get("/import")
async def import_form(request: Request, context: NodeContext, visitor: Writer) -> HTMLResponse:
    """Where a file is chosen."""
    return show(request, context, visitor, "catalogue_import.html", {"problem": None})


@pages.post("/import")
async def understand_file(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> HTMLResponse:
    """What was understood of a file; nothing is written."""
    try:
        offers = await run_in_threadpool(_read, form.files.get("file", b""))
    except ProtocolError as error:
        problem = refused(error)
        return show(
            request, context, visitor, "catalogue_import.html", {"problem": problem}, problem.status
        )
    wording = wording_of(language_of(request))
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        shown = await show_offers(connection, offers, wording)
        kept = await find_kept_hashes(connection, [each.offer_hash for each in shown])
        own = await query(connection, find_dids, [visitor.organisation_id])
    entries = [offer.entry for offer in offers]
    values = {
        "offers": shown,
        "kept": kept,
        "own_dids": own.values(),
        "entries": json.dumps(entries if len(entries) > 1 else entries[0], ensure_ascii=False),
    }
    return show(request, context, visitor, "catalogue_understood.html", values)


@pages.get("/{offer_hash}")
async def show_one(
    request: Request, context: NodeContext, visitor: Reader, offer_hash: Hash
) -> HTMLResponse:
    """One offer, and the form of an agreement that is filled in as far as the entry goes."""
    own = OrganisationId(visitor.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, own)
        kept = await find_offer(connection, offer_hash)
        dids = await find_by_catalogue_id(connection, [kept.offer.reading.provider_id])
        own_did = (await query(connection, find_dids, [own]))[own]
    entry, understood = kept.offer.entry, understand_offer(kept.offer.entry)
    is_of_partner = any(did != own_did for did in dids.values())
    fields = imported_form(understood, dids, own_did, int(time.time()))
    values = {
        "offer": show_offer(kept.offer, dids, wording_of(language_of(request))),
        "kept_at": kept.kept_at,
        "own_dids": [own_did],
        "missing": [each for each in understood.missing if each != "consumer" or not is_of_partner],
        "not_taken": understood.not_taken,
        "fields": {**fields, "document": json.dumps(entry, ensure_ascii=False)},
        "entry": json.dumps(entry, indent=2, ensure_ascii=False),
        "kept": request.query_params.get("kept", ""),
    }
    return show(request, context, visitor, "offer.html", values)


@pages.post("/{offer_hash}/remove")
async def remove(
    request: Request, context: NodeContext, visitor: Writer, offer_hash: Hash
) -> Response:
    """Takes the offer out of the catalogue; what was made of it stays."""
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        await remove_offer(connection, offer_hash)
    return see_other(request, PATH, removed=1)


def _read(content: bytes) -> list[Offer]:
    if is_too_deep(content):
        raise DocumentUnreadable(kind="file", reason=f"it is more than {JSON_DEPTH_MAX} deep")
    offers = read_catalogue_file(content)
    try:
        for offer in offers:
            require_storable(offer.entry)
    except ValueError as error:
        raise DocumentUnreadable(kind="file", reason=str(error)) from error
    return offers
