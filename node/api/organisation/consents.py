"""`/organisation/consents`: the consents that an organisation holds, and what is known of each."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import AfterValidator

from node.api.context import Context, NodeContext, require_fresh
from node.api.organisation.agreement_names import agreements_of, name_of
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.erasure import may_be_erased
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.routes import consents, proofs
from node.api.schemas.base import Hash, wrong_value
from node.commands.list_consents import STATES, ConsentsPage, ListedConsent, list_consents
from node.db import act_as, snapshots
from node.permissions import Area
from protocol.types import to_hex

pages = APIRouter(prefix="/organisation/consents", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.CONSENTS)]

SHOWN = 50
EXPORTED_AT_ONCE = 1_000
COLUMNS = (
    *("leaf", "agreementId", "issuer", "state", "assurance", "validFrom", "validUntil"),
    *("receivedAt", "endedAt", "endedBy"),
)


def _known(state: str) -> str:
    if state not in STATES:
        raise wrong_value("There is no such state.", f"Choose among {', '.join(STATES)}.")
    return state


Agreement = Annotated[Hash | None, BlankIsNone]
State = Annotated[Annotated[str, AfterValidator(_known)] | None, BlankIsNone]


@pages.get("")
async def list_own(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    agreement: Agreement = None,
    state: State = None,
    after: Hash | None = None,
    leaf: str = "",
) -> Response:
    """A page of them; who searches for a leaf is led to it."""
    if leaf.strip():
        return see_other(request, f"/organisation/consents/{leaf.strip()}")
    found = await _read(context, visitor, SHOWN, agreement, state, after)
    agreements = await agreements_of(context, visitor)
    asked = {
        "agreement": None if agreement is None else to_hex(agreement),
        "state": state,
        "after": None if after is None else to_hex(after),
    }
    values = {"found": found, "asked": asked, "agreements": agreements, "states": STATES}
    return show(request, context, visitor, "consents.html", values)


@pages.get(".csv")
async def export(
    context: NodeContext, visitor: Reader, agreement: Agreement = None, state: State = None
) -> StreamingResponse:
    """All that fit, as they stand while the file is written. An index that becomes too old in
    between cuts the file off: a browser says then that it did not come whole."""
    first = await _read(context, visitor, EXPORTED_AT_ONCE, agreement, state, None)

    async def lines() -> AsyncIterator[str]:
        page = first
        yield _csv([COLUMNS])
        while True:
            yield _csv([_columns(each) for each in page.consents])
            if page.next is None:
                return
            page = await _read(context, visitor, EXPORTED_AT_ONCE, agreement, state, page.next)

    name = {"Content-Disposition": 'attachment; filename="consents.csv"'}
    return StreamingResponse(lines(), media_type="text/csv", headers=name)


@pages.get("/{leaf}")
async def show_one(
    request: Request, context: NodeContext, visitor: Reader, leaf: Hash
) -> HTMLResponse:
    """One consent, as the API tells it."""
    consent = await consents.show(context, visitor, leaf)
    record = consent.record
    document = None if record is None else record["document"]
    values = {
        "consent": consent,
        "agreement_name": await name_of(context, visitor, consent.agreement_id),
        "may_be_erased": await may_be_erased(context, visitor, consent),
        "document": document,
        "purpose": None
        if document is None
        else document["receipt"]["piiProcessing"]["purposes"][0].get("purpose"),
        "record": None if record is None else json.dumps(record, indent=2, ensure_ascii=False),
    }
    return show(request, context, visitor, "consent.html", values)


@pages.get("/{leaf}/proof")
async def save_proof(context: NodeContext, visitor: Reader, leaf: Hash) -> Response:
    """The proof file, as the API gives it; what it proves the page `/check` tells."""
    answer = await proofs.show(context, visitor, leaf)
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _read(
    context: Context,
    visitor: Principal,
    limit: int,
    agreement: bytes | None,
    state: str | None,
    after: bytes | None,
) -> ConsentsPage:
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, visitor.organisation_id)
        freshness = await require_fresh(context, connection)
        return await list_consents(
            connection, context.gate, freshness, limit, agreement, state, after
        )


def _columns(consent: ListedConsent) -> tuple[Any, ...]:
    entry, status = consent.entry, consent.answer.status
    return (
        *(to_hex(consent.leaf), to_hex(entry.agreement_id), to_hex(entry.issuer)),
        *(consent.answer.state, consent.assurance, entry.valid_from, entry.valid_until),
        *(int(consent.received_at.timestamp()), status.ended_at, status.ended_by),
    )


def _csv(rows: list[tuple[Any, ...]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
