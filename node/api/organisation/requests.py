"""`/organisation/requests`: ask learners for consents, one by one or by a file, and see what they
said."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from node.api.context import Context, NodeContext
from node.api.organisation.agreement_names import agreements_of, name_of
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.forms import Form, SentForm, as_shape
from node.api.organisation.notice_file import AWAITED, FILE, read_notice_file
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.request_form import AGAIN, FIELDS, line_of, read_one
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.request_files import read_lines
from node.api.routes import consent_requests
from node.api.schemas.base import Hash
from node.api.schemas.consent_requests import (
    AskConsent,
    AttestedRequest,
    ConsentRequest,
    RequestId,
    SearchRequests,
    StateName,
)
from node.db import act_as
from node.permissions import Area
from node.problems import Problem
from protocol.types import to_hex

pages = APIRouter(prefix="/organisation/requests", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.CONSENTS)]
Writer = Annotated[Principal, visiting(Area.CONSENTS, write=True)]

PATH = "/organisation/requests"
STATES = ("sent", "granted", "refused", "expired")
SHOWN = 50
LINES_SHOWN_MAX = 100


@pages.get("")
async def list_own(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    state: Annotated[StateName | None, BlankIsNone] = None,
    agreement: Annotated[Hash | None, BlankIsNone] = None,
    after: RequestId | None = None,
) -> HTMLResponse:
    """The newest first."""
    wanted = SearchRequests(state=state, agreement_id=agreement, after=after, limit=SHOWN)
    return await _list(request, context, visitor, wanted)


@pages.post("/search")
async def search(
    request: Request, context: NodeContext, visitor: Reader, form: SentForm
) -> HTMLResponse:
    """Those about a person, by a form that is posted, so that the reference stands in no address;
    the next page alike."""
    asked = {"subjectReference": form.text("subjectReference"), "limit": SHOWN}
    after = form.text("after")
    wanted = as_shape(SearchRequests, {**asked, "after": after} if after else asked)
    return await _list(request, context, visitor, wanted)


@pages.get("/new")
async def new(request: Request, context: NodeContext, visitor: Writer) -> HTMLResponse:
    """A form, filled with what the newest request has in common with the next."""
    newest = await _newest(context, visitor)
    values = {} if newest is None else line_of(newest)
    return await _form(request, context, visitor, newest, values)


@pages.post("/new")
async def ask(request: Request, context: NodeContext, visitor: Writer, form: SentForm) -> Response:
    """Makes it, and shows its link. Sent twice it is made once."""
    key, newest = form.text(AGAIN) or None, await _newest(context, visitor)
    notice = None if newest is None else newest.notice
    try:
        body = await run_in_threadpool(read_one, form, notice)
        made = await consent_requests.ask(context, visitor, request, body, key)
    except Problem as problem:
        if problem.slug == "session-ended":
            raise
        was_chosen = bool(form.files or form.text(AWAITED))
        return await _form(request, context, visitor, newest, form.fields, was_chosen, problem)
    return see_other(request, f"{PATH}/{json.loads(bytes(made.body))['requestId']}")


@pages.get("/import")
async def import_form(request: Request, context: NodeContext, visitor: Writer) -> HTMLResponse:
    """Where a file is chosen."""
    values = {"problem": None, "was_chosen": False}
    return show(request, context, visitor, "import.html", values)


@pages.post("/import")
async def understand(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> HTMLResponse:
    """What was understood of a file, line by line, and nothing written: all that would be checked
    is checked, and taken back."""
    body, notice = _file_in(form), None
    try:
        if FILE in form.files:
            notice = to_hex((await run_in_threadpool(read_notice_file, form.files[FILE])).digest)
        bound = None if notice is None else {"sha256": notice}
        lines = await run_in_threadpool(read_lines, body, bound)
        await _try(context, visitor, lines)
    except Problem as problem:
        refusal = {"problem": problem, "was_chosen": FILE in form.files}
        return show(request, context, visitor, "import.html", refusal, problem.status)
    values = {
        "lines": lines[:LINES_SHOWN_MAX],
        "names": dict(await agreements_of(context, visitor)),
        "count": len(lines),
        "file": body.decode("utf-8-sig"),
        "notice": notice,
        "again": secrets.token_hex(16),
    }
    return show(request, context, visitor, "import_understood.html", values)


@pages.post("/import/confirmed")
async def import_confirmed(
    request: Request, context: NodeContext, visitor: Writer, form: SentForm
) -> Response:
    """Makes a request for each line, once."""
    notice = form.chosen("sha256")
    lines = await run_in_threadpool(read_lines, _file_in(form), notice)
    key = form.text(AGAIN) or None
    await consent_requests.import_lines(context, visitor, request, lines, key)
    return see_other(request, PATH, made=len(lines))


@pages.get("/{request_id}")
async def show_one(
    request: Request, context: NodeContext, visitor: Reader, request_id: RequestId
) -> HTMLResponse:
    """One request, with its link and QR code as long as it is open."""
    asked = await consent_requests.show(context, visitor, request_id)
    values = {
        "asked": asked,
        "agreement_name": await name_of(context, visitor, asked.agreement_id),
    }
    return show(request, context, visitor, "request.html", values)


@pages.get("/{request_id}/qr.svg")
async def show_qr(context: NodeContext, visitor: Reader, request_id: RequestId) -> Response:
    """The link of an open request as a picture."""
    return await consent_requests.show_qr(context, visitor, request_id)


@pages.post("/{request_id}/attest")
async def attest(
    request: Request, context: NodeContext, visitor: Writer, request_id: RequestId
) -> HTMLResponse:
    """Grants on the issuer's word what was signed on paper, and shows the slips this once."""
    answer = await consent_requests.attest(context, visitor, request_id)
    attested = AttestedRequest.model_validate_json(bytes(answer.body))
    slips = [
        {
            "purpose": each.purpose,
            "leaf": to_hex(each.leaf),
            "slip": to_hex(each.slip),
            "picture": base64.b64encode(each.slip_qr_svg.encode()).decode(),
        }
        for each in attested.consents
    ]
    values = {"request_id": request_id, "slips": slips}
    return show(request, context, visitor, "slips.html", values)


async def _list(
    request: Request, context: Context, visitor: Principal, wanted: SearchRequests
) -> HTMLResponse:
    found = await consent_requests.search(context, visitor, wanted)
    values = {
        "found": found,
        "wanted": wanted,
        "states": STATES,
        "agreements": await agreements_of(context, visitor),
        "made": request.query_params.get("made", ""),
    }
    return show(request, context, visitor, "requests.html", values)


async def _newest(context: Context, visitor: Principal) -> ConsentRequest | None:
    newest = await consent_requests.list_own(context, visitor, None, None, None, 1)
    return newest.items[0] if newest.items else None


async def _form(
    request: Request,
    context: Context,
    visitor: Principal,
    newest: ConsentRequest | None,
    filled: Any,
    was_chosen: bool = False,
    problem: Problem | None = None,
) -> HTMLResponse:
    """`was_chosen` says that the notice's file was, which is no longer there."""
    wrong = {} if problem is None else {error.field: error for error in problem.errors}
    values = {
        "was_chosen": was_chosen,
        "has_notice": newest is not None,
        "filled": {name: filled.get(name, "") for name in FIELDS},
        "again": filled.get(AGAIN) or secrets.token_hex(16),
        "agreements": await agreements_of(context, visitor),
        "problem": problem,
        "wrong": wrong,
        "wrong_names": {field.partition(".")[0] for field in wrong},
    }
    status = 200 if problem is None else problem.status
    return show(request, context, visitor, "request_new.html", values, status)


async def _try(context: Context, visitor: Principal, lines: list[tuple[int, AskConsent]]) -> None:
    async with context.database.connect() as connection:
        await act_as(connection, visitor.organisation_id)
        await consent_requests.ask_lines(context, connection, visitor, lines)
        await connection.rollback()


def _file_in(form: Form) -> bytes:
    return form.files.get("file") or form.text("text").encode()
