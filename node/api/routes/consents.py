"""`/v1/consents`: grant consents, and ask where they stand."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.consents import find_anchoring
from indexer.queries.freshness import Freshness
from indexer.queries.history import history_of_consent
from node.api.as_of import AtTime, block_asked, time_asked
from node.api.context import Context, NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, KeptAnswer, hash_request, write_once
from node.api.principal import Principal, may
from node.api.schemas.base import AsOf, Block, Hash
from node.api.schemas.consents import (
    Consent,
    ConsentAnswer,
    ConsentAnswers,
    Delivery,
    ErasureState,
    GrantConsents,
    HistoryFact,
    OrderedErasure,
    QueuedConsent,
    QueuedConsents,
    StatusQuestion,
    StatusQuestions,
)
from node.api.shared_grants import Grant, Shared, grant_as_issuer
from node.commands.check_records import check_records
from node.commands.erase_consent import erase_consent, find_erasure, list_deliveries
from node.commands.gate import GateAnswer, find_consent, find_consents
from node.commands.receive_records import issuers_who_erased
from node.db import act_as, query, snapshots
from node.erasure_journal import ErasedRecord
from node.outbox import find_act
from node.permissions import Area
from node.problems import Problem, not_found, refused
from node.sealing import SealedRecord, unseal
from protocol.entries import Entry, decode_entry, leaf_of
from protocol.errors import ProtocolError
from protocol.types import Leaf, OrganisationId, to_hex

router = APIRouter(prefix="/v1/consents", tags=["consents"])
Reader = Annotated[Principal, may(Area.CONSENTS)]
Writer = Annotated[Principal, may(Area.CONSENTS, write=True)]


@router.post("", status_code=202, response_model=QueuedConsents)
async def grant(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: GrantConsents,
    shared: Shared,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to anchor 1 to 10,000 consents of the caller's organisation; all or none."""
    issuer = OrganisationId(caller.organisation_id)
    checked = await check_records(context.deployment, issuer, body.records)
    queued = [QueuedConsent(leaf=item.leaf, state="queued") for item in checked]
    answer = QueuedConsents(consents=queued).to_json()
    kept = None
    if key is not None:
        request_hash = await hash_request(request)
        kept = KeptAnswer(issuer, caller.identity, key, request_hash, 202, answer)
    if await shared.carry_out(issuer, Grant(checked, kept)):
        return JSONResponse(answer, 202)

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        await grant_as_issuer(context, connection, issuer, checked)
        return 202, answer

    return await write_once(context, caller, request, key, act)


@router.post("/status", response_model=ConsentAnswers)
async def status(context: NodeContext, caller: Reader, body: StatusQuestions) -> ConsentAnswers:
    """The gate: where consents stand now. An index that is too old is a 503, never `active`."""
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        answers = await _answer(context, connection, body.consents, freshness)
    return ConsentAnswers(as_of=AsOf.of(freshness), consents=answers)


@router.get("/{leaf}", response_model=Consent)
async def show(
    context: NodeContext,
    caller: Reader,
    leaf: Hash,
    at: AtTime = None,
) -> Consent:
    """One consent of the caller's organisation, with its record and its place on chain. With `at`,
    where it stood at that time, and how that is known."""
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        known = await find_consent(connection, leaf)
        if known is None:
            raise await _erased_or_unknown(connection, caller.organisation_id, Leaf(leaf))
        entry = known.entry
        if at is None:
            [answer] = await context.gate.ask(connection, [entry], freshness)
        else:
            past = (connection, [entry], freshness, time_asked(at, freshness))
            [status] = await context.gate.statuses(*past)
            answer = GateAnswer(status.state.value, status)
        history = await query(connection, history_of_consent, entry, context.consent_registry)
        anchoring = await query(connection, find_anchoring, entry.issuer, leaf)
        block = await block_asked(connection, at, freshness)
        act = await find_act(connection, "anchor", leaf)
        own = OrganisationId(caller.organisation_id), Leaf(leaf)
        erasure = await find_erasure(connection, *own)
        deliveries = await list_deliveries(connection, *own)
    if at is not None and anchoring is not None and anchoring.anchored_at > at:
        anchoring = None
    record = None
    if known.wrapped_key is not None:
        sealed = SealedRecord(known.sealed_record, known.wrapped_key)
        record = json.loads(unseal(sealed, leaf, context.master_key))
    return Consent(
        as_of=AsOf.of(freshness),
        at=at,
        proven_by=None if block is None else Block.of(block),
        status=ConsentAnswer.of(leaf, answer, known.assurance),
        history=[HistoryFact.of(fact) for fact in history if at is None or fact.happened_at <= at],
        agreement_id=entry.agreement_id,
        issuer=entry.issuer,
        holder=entry.holder,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        record=record,
        failure=act.failure if act else None,
        deliveries=[_delivery(row) for row in deliveries],
        erasure=None if erasure is None else ErasureState.of(erasure),
        anchoring=None
        if anchoring is None
        else {
            "root": to_hex(anchoring.root),
            "index": anchoring.index,
            "size": anchoring.size,
            "anchoredAt": anchoring.anchored_at,
            "blockNumber": anchoring.block_number,
            "transactionHash": to_hex(anchoring.transaction_hash),
        },
    )


@router.post("/{leaf}/erasure", status_code=202, response_model=OrderedErasure)
async def erase(
    context: NodeContext, caller: Writer, request: Request, leaf: Hash, key: IdempotencyKey = None
) -> JSONResponse:
    """Erases the record of a consent that the caller's organisation issued and that is over: here
    at once, and on every node that may have received it. The leaf stays on chain and tells
    nothing."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        issuer, known = OrganisationId(caller.organisation_id), await find_consent(connection, leaf)
        if known is None or known.entry.issuer != issuer:
            raise _unknown(leaf)
        [answer] = await context.gate.ask(connection, [known.entry], freshness)
        await erase_consent(connection, Leaf(leaf), issuer, answer)
        erasure = await find_erasure(connection, issuer, Leaf(leaf))
        assert erasure is not None, to_hex(leaf)
        await context.note_erasures([ErasedRecord(issuer, issuer, Leaf(leaf))])
        return 202, OrderedErasure(leaf=leaf, erasure=ErasureState.of(erasure)).to_json()

    return await write_once(context, caller, request, key, act)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        recipient=row.recipient,
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        last_failure=row.last_failure,
        confirmation=row.confirmation,
    )


async def _answer(
    context: Context,
    connection: AsyncConnection,
    questions: list[StatusQuestion],
    freshness: Freshness,
) -> list[ConsentAnswer]:
    entries = [_entry(question, index) for index, question in enumerate(questions)]
    leaves = [
        leaf_of(entry) if entry is not None else Leaf(question.leaf or b"")
        for entry, question in zip(entries, questions, strict=True)
    ]
    known = await find_consents(connection, leaves)
    unknown = [
        _unknown(leaf).about(f"consents.{index}.leaf")
        for index, (leaf, entry) in enumerate(zip(leaves, entries, strict=True))
        if entry is None and leaf not in known
    ]
    if unknown:
        first, *others = unknown
        first.errors += [error for problem in others for error in problem.errors]
        raise first
    asked = [entry or known[leaf].entry for leaf, entry in zip(leaves, entries, strict=True)]
    answers = await context.gate.ask(connection, asked, freshness)
    return [
        ConsentAnswer.of(leaf, answer, known[leaf].assurance if leaf in known else None)
        for leaf, answer in zip(leaves, answers, strict=True)
    ]


def _entry(question: StatusQuestion, index: int) -> Entry | None:
    if question.entry is None:
        return None
    try:
        return decode_entry(question.entry)
    except ProtocolError as error:
        raise refused(error, f"consents.{index}.entry") from error


async def _erased_or_unknown(
    connection: AsyncConnection, organisation: bytes, leaf: Leaf
) -> Problem:
    """Leaves are public, and anybody may order the erasure of one as its own: only who has anchored
    it has a record to erase."""
    for issuer in await issuers_who_erased(connection, organisation, leaf):
        if await query(connection, find_anchoring, issuer, leaf) is not None:
            return Problem.of("record-erased", f"The record behind {to_hex(leaf)} was erased.")
    return _unknown(leaf)


def _unknown(leaf: bytes) -> Problem:
    return not_found(
        "consent",
        to_hex(leaf),
        "Ask with the full entry, or with the API key of the organisation that holds the record.",
    )
