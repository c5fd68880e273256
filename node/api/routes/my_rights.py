"""`/v1/me`: the rights of a learner who proves one-time keys: who used what, a copy of everything,
objections and erasures with their deadline."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials

from node.api.context import Context, NodeContext, require_fresh
from node.api.learner_export import (
    PiecesResponse,
    export_pieces,
    uses_of,
    whole_to_print,
)
from node.api.rate_limits import NETWORK
from node.api.routes.me import Session, holders_of
from node.api.schemas.my_rights import LearnerExport, UsesSeen
from node.api.schemas.rights_requests import (
    AskErasure,
    Object,
    RightsRequestId,
    RightsRequestSeen,
    RightsRequestsSeen,
)
from node.commands.keep_rights_requests import (
    NewRightsRequest,
    ask_about_consent,
    list_held,
)
from node.db import see_holders
from node.kept_rights_requests import RightsKind

router = APIRouter(prefix="/v1/me", tags=["me"])

OFFSET_MAX = 2**31
PDF = "application/pdf"


@router.get("/uses", response_model=UsesSeen)
async def list_uses(
    context: NodeContext,
    credentials: Session,
    after: Annotated[int, Query(ge=0, le=OFFSET_MAX, description="`next` of a page.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> UsesSeen:
    """Who used data behind the consents of the session's keys, as far as it was recorded on this
    node, the oldest first."""
    holders = holders_of(context, credentials)
    async with context.database.begin() as connection:
        await see_holders(connection, holders)
        uses = await uses_of(connection, limit + 1, after)
    return UsesSeen(uses=uses[:limit], next=after + limit if len(uses) > limit else None)


@router.get(
    "/export",
    response_model=LearnerExport,
    responses={200: {"content": {PDF: {"schema": {"type": "string"}}}}},
)
async def export(
    context: NodeContext,
    credentials: Session,
    request: Request,
    format: Literal["json", "pdf"] = "json",
) -> Response:
    """Everything that this node holds for the session's keys: consents with their whole records,
    uses, requests. As PDF: the same to read, without what proves it, and no more than 1,000
    consents and 5,000 uses."""
    holders = holders_of(context, credentials)
    async with context.database.begin() as connection:
        freshness = await require_fresh(context, connection)
    network = request.scope.get(NETWORK, "")
    if format == "json":
        pieces = export_pieces(context, holders, freshness)
        return PiecesResponse(pieces, context.exports.taken(network))
    with context.exports.taken(network):
        # Loaded at the first use: it takes most of a second, which no start should wait for.
        export_pdf = import_module("node.export_pdf")
        async with context.exports.drawing:
            whole = await whole_to_print(context, holders, freshness)
            drawn = await run_in_threadpool(export_pdf.write_pdf, whole)
    return Response(drawn, media_type=PDF)


@router.post("/objections", status_code=201, response_model=RightsRequestSeen)
async def object_to(context: NodeContext, credentials: Session, body: Object) -> JSONResponse:
    """Objects to the use of data under a consent of a proven key; the organisation must answer by
    `dueAt`. Asked twice, it is one request."""
    return await _ask(context, credentials, body, RightsKind.OBJECTION)


@router.post("/erasures", status_code=201, response_model=RightsRequestSeen)
async def ask_erasure(context: NodeContext, credentials: Session, body: AskErasure) -> JSONResponse:
    """Asks for the erasure of the record of a consent of a proven key; the organisation must answer
    by `dueAt`. Asked twice, it is one request."""
    return await _ask(context, credentials, body, RightsKind.ERASURE)


@router.get("/requests", response_model=RightsRequestsSeen)
async def list_requests(
    context: NodeContext,
    credentials: Session,
    after: RightsRequestId | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> RightsRequestsSeen:
    """What was asked with the session's keys, until when it is due, and what was answered."""
    holders = holders_of(context, credentials)
    async with context.database.begin() as connection:
        await see_holders(connection, holders)
        rows = await list_held(connection, context.master_key, holders, after, limit + 1)
    now = int(time.time())
    shown = rows[:limit]
    return RightsRequestsSeen(
        requests=[RightsRequestSeen.of(row, now) for row in shown],
        next=shown[-1].rights_request_id if len(rows) > limit else None,
    )


async def _ask(
    context: Context,
    credentials: HTTPAuthorizationCredentials | None,
    body: Object | AskErasure,
    kind: RightsKind,
) -> JSONResponse:
    holders = holders_of(context, credentials)
    now = int(time.time())
    async with context.database.begin() as connection:
        await see_holders(connection, holders)
        request = await ask_about_consent(
            connection,
            context.master_key,
            holders,
            body.leaf,
            body.organisation,
            NewRightsRequest(kind, body.reason),
            now,
        )
    return JSONResponse(RightsRequestSeen.of(request, now).to_json(), 201)
