"""`/v1/consent-requests`: an organisation asks learners for consents, by link or on paper."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import Context, NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.request_files import draw_slips, read_lines, require_csv, zip_slips
from node.api.schemas.base import Hash
from node.api.schemas.consent_requests import (
    AskConsent,
    AttestedRequest,
    AttestedRequests,
    AttestRequests,
    ConsentRequest,
    ConsentRequests,
    ErasedRequests,
    MadeRequest,
    MadeRequests,
    OfSubject,
    RequestId,
    SearchRequests,
    StateName,
    SubjectConsent,
    SubjectExport,
)
from node.api.subject_csv import write_subject_csv
from node.bearer_links import link_of, qr_svg
from node.commands.answer_requests import attest_requests
from node.commands.ask_consents import Place, ask_consents
from node.commands.find_requests import (
    erase_requests,
    find_links,
    find_request,
    list_all_about,
    list_requests,
)
from node.commands.gate import find_consents
from node.db import act_as
from node.erasure_journal import ErasedSubject
from node.kept_requests import KeptRequest
from node.permissions import Area
from node.problems import Problem
from node.sealing import SealedRecord, unseal
from node.subject_references import subject_hash
from protocol.consent_request import RequestState
from protocol.types import Leaf, OrganisationId

router = APIRouter(prefix="/v1/consent-requests", tags=["consent requests"])
Reader = Annotated[Principal, may(Area.CONSENTS)]
Writer = Annotated[Principal, may(Area.CONSENTS, write=True)]

SVG = "image/svg+xml"


@router.post("", status_code=201, response_model=MadeRequest)
async def ask(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: AskConsent,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Makes a request that a learner answers by a link, once. What is kept for an Idempotency-Key
    has no link: a repeated request gets it anew, as long as the request is open."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        made = await _ask(context, connection, caller, [body], lambda _, field: field)
        return 201, MadeRequest(request_id=made[0], state="sent", link=None).to_json()

    kept = await write_once(context, caller, request, key, act)
    [answer] = await _with_links(context, caller, [json.loads(bytes(kept.body))])
    return JSONResponse(answer, kept.status_code, _replayed(kept))


@router.post(
    "/import",
    status_code=201,
    response_model=MadeRequests,
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
)
async def import_csv(
    context: NodeContext, caller: Writer, request: Request, key: IdempotencyKey = None
) -> JSONResponse:
    """Makes a request for each line of a CSV file, up to 10,000; all or none. Columns are named as
    the fields of a single request: `subjectReference`, `agreementId`, `purposes` and `recipients`
    (several with `|` between them), `noticeReference`, `noticeVersion`, `noticeSha256`,
    `validUntil`, and where wanted `language`, `validFrom`, `expiresAt`, `minimumAssurance`,
    `guardianSigns` (`true` or `false`); times as a day or in Unix seconds."""
    require_csv(request)
    lines = await run_in_threadpool(read_lines, await request.body())
    return await import_lines(context, caller, request, lines, key)


async def import_lines(
    context: Context,
    caller: Principal,
    request: Request,
    lines: list[tuple[int, AskConsent]],
    key: str | None,
) -> JSONResponse:
    """What `import_csv` does with what it has read."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        made = await ask_lines(context, connection, caller, lines)
        requests = [MadeRequest(request_id=each, state="sent", link=None) for each in made]
        return 201, MadeRequests(requests=requests).to_json()

    kept = await write_once(context, caller, request, key, act)
    answers = await _with_links(context, caller, json.loads(bytes(kept.body))["requests"])
    return JSONResponse({"requests": answers}, kept.status_code, _replayed(kept))


async def ask_lines(
    context: Context,
    connection: AsyncConnection,
    caller: Principal,
    lines: list[tuple[int, AskConsent]],
) -> list[bytes]:
    """Makes the requests, or raises a problem that names line and column. Never commits."""
    bodies = [body for _, body in lines]
    return await _ask(
        context, connection, caller, bodies, lambda at, field: f"lines.{lines[at][0]}.{field}"
    )


@router.get("", response_model=ConsentRequests)
async def list_own(
    context: NodeContext,
    caller: Reader,
    state: StateName | None = None,
    agreement: Hash | None = None,
    after: RequestId | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ConsentRequests:
    """The organisation's requests, the newest first. To find those of a person: POST .../search,
    so that the reference stands in no address."""
    return await _page(
        context,
        caller,
        SearchRequests(state=state, agreement_id=agreement, after=after, limit=limit),
    )


@router.post("/search", response_model=ConsentRequests)
async def search(context: NodeContext, caller: Reader, body: SearchRequests) -> ConsentRequests:
    """Requests by subject reference, state or agreement, the newest first."""
    return await _page(context, caller, body)


@router.post(
    "/export",
    response_model=SubjectExport,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export(
    context: NodeContext,
    caller: Reader,
    body: OfSubject,
    format: Literal["json", "csv"] = "json",
) -> Response:
    """Everything that the organisation asked a person for here, and the consents that came of it,
    with their records. As CSV: a line for each purpose."""
    reference = body.subject_reference
    now = int(time.time())
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        subject = _hash_of(context, caller, reference)
        kept = await list_all_about(connection, context.master_key, now, subject)
        consents = await _consents_of(context, connection, kept)
    address = context.settings.public_address
    whole = SubjectExport(
        subject_reference=reference,
        exported_at=now,
        requests=[ConsentRequest.of(each, now, address) for each in kept],
        consents=consents,
    )
    if format == "csv":
        return Response(write_subject_csv(whole), media_type="text/csv")
    return JSONResponse(whole.to_json())


@router.post("/erasure", response_model=ErasedRequests)
async def erase(context: NodeContext, caller: Writer, body: OfSubject) -> ErasedRequests:
    """Deletes all requests about a person, and with them what leads from the reference to consents.
    Links that are open lead nowhere from now on."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        subject = _hash_of(context, caller, body.subject_reference)
        erased = await erase_requests(connection, subject)
        by = OrganisationId(caller.organisation_id)
        await context.note_erasures([ErasedSubject(by, subject)])
    return ErasedRequests(erased=erased)


@router.post(
    "/attest",
    status_code=202,
    response_model=AttestedRequests,
    responses={202: {"content": {"application/zip": {"schema": {"type": "string"}}}}},
)
async def attest_many(
    context: NodeContext,
    caller: Writer,
    body: AttestRequests,
    format: Literal["json", "zip"] = "json",
) -> Response:
    """Grants the consents of many requests on the issuer's word, as given on paper; all or none.
    With `format=zip` the slips come as files, a folder for each request.

    The answer holds the learners' withdrawal slips, so it is not stored for replay: a repeated
    request is a 409."""
    attested = await _attest(context, caller, body.request_ids)
    if format == "zip":
        return Response(zip_slips(attested), 202, media_type="application/zip")
    return JSONResponse(AttestedRequests(requests=attested).to_json(), 202)


@router.get("/{request_id}", response_model=ConsentRequest)
async def show(context: NodeContext, caller: Reader, request_id: RequestId) -> ConsentRequest:
    """One request, with its link as long as it is open."""
    kept = await _find(context, caller, request_id)
    return ConsentRequest.of(kept, int(time.time()), context.settings.public_address)


@router.get(
    "/{request_id}/qr.svg",
    response_class=Response,
    responses={200: {"content": {SVG: {"schema": {"type": "string"}}}}},
)
async def show_qr(context: NodeContext, caller: Reader, request_id: RequestId) -> Response:
    """The link of an open request as a QR code."""
    kept = await _find(context, caller, request_id)
    match kept.state(int(time.time())):
        case RequestState.SENT if kept.token:
            link = link_of(context.settings.public_address, kept.token)
            return Response(qr_svg(link), media_type=SVG)
        case RequestState.EXPIRED:
            raise Problem.of("consent-request-expired")
        case state:
            raise Problem.of("consent-request-answered", f"The request was {state} before.")


@router.post("/{request_id}/attest", status_code=202, response_model=AttestedRequest)
async def attest(context: NodeContext, caller: Writer, request_id: RequestId) -> JSONResponse:
    """Grants all purposes of a request on the issuer's word, as given on paper: `attested`, signed
    by no key of the learner. The node makes the one-time keys, signs the withdrawal slips, and
    forgets the keys.

    The answer holds the slips, so it is not stored for replay: a repeated request is a 409."""
    [attested] = await _attest(context, caller, [request_id])
    return JSONResponse(attested.to_json(), 202)


async def _attest(
    context: Context, caller: Principal, request_ids: list[bytes]
) -> list[AttestedRequest]:
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        attested = await attest_requests(
            connection,
            context.deployment,
            context.master_key,
            context.operator,
            context.memory,
            OrganisationId(caller.organisation_id),
            list(dict.fromkeys(request_ids)),
            freshness,
        )
        # Before the COMMIT, so that what cannot be drawn is not granted.
        return await run_in_threadpool(draw_slips, attested)


async def _find(context: Context, caller: Principal, request_id: bytes) -> KeptRequest:
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        return await find_request(connection, request_id, context.master_key)


async def _page(context: Context, caller: Principal, wanted: SearchRequests) -> ConsentRequests:
    now = int(time.time())
    reference = wanted.subject_reference
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        kept = await list_requests(
            connection,
            context.master_key,
            now,
            wanted.limit + 1,
            None if wanted.state is None else RequestState(wanted.state),
            wanted.agreement_id,
            None if reference is None else _hash_of(context, caller, reference),
            wanted.after,
        )
    address = context.settings.public_address
    shown = kept[: wanted.limit]
    return ConsentRequests(
        items=[ConsentRequest.of(each, now, address) for each in shown],
        next=shown[-1].request_id if len(kept) > wanted.limit else None,
    )


async def _consents_of(
    context: Context, connection: AsyncConnection, requests: list[KeptRequest]
) -> list[SubjectConsent]:
    leaves = [leaf for each in requests if each.answer for _, leaf in each.answer.leaves]
    if not leaves:
        return []
    freshness = await require_fresh(context, connection)
    known = await find_consents(connection, leaves)
    entries = [consent.entry for consent in known.values()]
    answers = dict(zip(known, await context.gate.ask(connection, entries, freshness), strict=True))
    found = []
    for request in requests:
        for place, answered in request.answer.leaves if request.answer else ():
            leaf = Leaf(answered)
            consent = known[leaf]
            record = None
            if consent.wrapped_key is not None:
                sealed = SealedRecord(consent.sealed_record, consent.wrapped_key)
                record = json.loads(unseal(sealed, leaf, context.master_key))
            purpose = request.asked.purposes[place]
            found.append(
                SubjectConsent(
                    request_id=request.request_id,
                    purpose=purpose.name,
                    leaf=leaf,
                    state=answers[leaf].state,
                    assurance=consent.assurance,
                    notice_version=purpose.notice.get("version"),
                    valid_from=consent.entry.valid_from,
                    valid_until=consent.entry.valid_until,
                    issuer=consent.entry.issuer,
                    record=record,
                )
            )
    return found


async def _ask(
    context: Context,
    connection: AsyncConnection,
    caller: Principal,
    bodies: list[AskConsent],
    place: Place,
) -> list[bytes]:
    now = (await require_fresh(context, connection)).now
    issuer, asked = (
        OrganisationId(caller.organisation_id),
        [each.to_request(now) for each in bodies],
    )
    return await ask_consents(connection, context.master_key, issuer, asked, now, place)


async def _with_links(
    context: Context, caller: Principal, made: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The answers with the links that the store of answers must not hold."""
    ids = [bytes.fromhex(each["requestId"][2:]) for each in made]
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        tokens = await find_links(connection, ids, context.master_key)
    address = context.settings.public_address
    return [
        {**each, "link": link_of(address, tokens[request_id]) if request_id in tokens else None}
        for each, request_id in zip(made, ids, strict=True)
    ]


def _hash_of(context: Context, caller: Principal, reference: str) -> bytes:
    return subject_hash(reference, caller.organisation_id, context.master_key)


def _replayed(kept: JSONResponse) -> dict[str, str]:
    name = "Idempotent-Replayed"
    return {name: kept.headers[name]} if name in kept.headers else {}
