"""`/v1/me`: the rights of a learner who proves one-time keys: who used what, a copy of everything,
objections and erasures with their deadline."""

from __future__ import annotations

import json
import time
from importlib import import_module
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_dids
from node.api.context import Context, NodeContext, require_fresh
from node.api.routes.me import Session, holders_of, rows_held
from node.api.schemas.base import AsOf
from node.api.schemas.consents import ConsentAnswer
from node.api.schemas.my_rights import ExportedConsent, LearnerExport, UseSeen, UsesSeen
from node.api.schemas.rights_requests import (
    AskErasure,
    Object,
    RightsRequestId,
    RightsRequestSeen,
    RightsRequestsSeen,
)
from node.commands.gate import entry_of_row
from node.commands.keep_rights_requests import (
    NewRightsRequest,
    ask_about_consent,
    list_held,
)
from node.db import query, see_holders
from node.kept_rights_requests import RightsKind
from node.sealing import SealedRecord, unseal
from protocol.types import HolderAddress

router = APIRouter(prefix="/v1/me", tags=["me"])

OFFSET_MAX = 2**31
EXPORTED_USES_MAX = 50_000
PDF = "application/pdf"
_USES = text(
    "SELECT * FROM node.uses_held()"
    " ORDER BY used_at, consent_leaf, organisation_id, position LIMIT :limit OFFSET :passed"
)


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
        uses = await _uses(connection, limit + 1, after)
    return UsesSeen(uses=uses[:limit], next=after + limit if len(uses) > limit else None)


@router.get(
    "/export",
    response_model=LearnerExport,
    responses={200: {"content": {PDF: {"schema": {"type": "string"}}}}},
)
async def export(
    context: NodeContext,
    credentials: Session,
    format: Literal["json", "pdf"] = "json",
) -> Response:
    """Everything that this node holds for the session's keys: consents with their whole records,
    uses, requests. As PDF: the same to read, without what proves it."""
    holders = holders_of(context, credentials)
    async with context.database.begin() as connection:
        whole = await _export(context, connection, holders)
    if format == "pdf":
        # Loaded at the first use: it takes most of a second, which no start should wait for.
        export_pdf = import_module("node.export_pdf")
        drawn = await run_in_threadpool(export_pdf.write_pdf, whole.to_json())
        return Response(drawn, media_type=PDF)
    return JSONResponse(whole.to_json())


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


async def _uses(connection: AsyncConnection, limit: int, passed: int) -> list[UseSeen]:
    rows = (await connection.execute(_USES, {"limit": limit, "passed": passed})).all()
    dids = await query(connection, find_dids, {row.organisation_id for row in rows})
    return [
        UseSeen(
            leaf=row.consent_leaf,
            used_by=row.organisation_id,
            used_by_did=dids.get(row.organisation_id),
            agreement_id=row.agreement_id,
            used_at=row.used_at,
        )
        for row in rows
    ]


async def _export(
    context: Context, connection: AsyncConnection, holders: frozenset[HolderAddress]
) -> LearnerExport:
    freshness = await require_fresh(context, connection)
    await see_holders(connection, holders)
    rows = await rows_held(connection, holders)
    entries = [entry_of_row(row) for row in rows]
    answers = await context.gate.ask(connection, entries, freshness)
    dids = await query(connection, find_dids, {row.issuer for row in rows})
    consents = [
        ExportedConsent(
            status=ConsentAnswer.of(row.leaf, answer, row.assurance),
            issuer_did=dids.get(row.issuer),
            record=_record(row, context.master_key),
        )
        for row, answer in zip(rows, answers, strict=True)
    ]
    uses = await _uses(connection, EXPORTED_USES_MAX + 1, 0)
    now = int(time.time())
    requests = await list_held(connection, context.master_key, holders)
    return LearnerExport(
        exported_at=now,
        as_of=AsOf.of(freshness),
        chain_id=context.deployment.chain_id,
        registry=context.consent_registry,
        operator_did=context.settings.operator_did,
        consents=consents,
        uses=uses[:EXPORTED_USES_MAX],
        more_uses=len(uses) > EXPORTED_USES_MAX,
        requests=[RightsRequestSeen.of(request, now) for request in requests],
    )


def _record(row: Any, master_key: bytes) -> dict[str, Any] | None:
    if row.wrapped_key is None:
        return None
    sealed = SealedRecord(row.sealed_record, row.wrapped_key)
    record: dict[str, Any] = json.loads(unseal(sealed, row.leaf, master_key))
    return record
