"""`/v1/consents`: grant consents, and ask where they stand."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.consents import find_anchoring
from node.api.context import Context, NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Caller
from node.api.schemas.base import AsOf, Hash
from node.api.schemas.consents import (
    Consent,
    ConsentAnswer,
    ConsentAnswers,
    GrantConsents,
    QueuedConsent,
    QueuedConsents,
    StatusQuestion,
    StatusQuestions,
)
from node.commands.consent_status import consent_status, find_consent
from node.commands.grant_consents import grant_consents
from node.db import act_as, query
from node.problems import Problem, naming, not_found
from node.sealing import SealedRecord, unseal
from protocol.entries import decode_entry, leaf_of
from protocol.types import Leaf, OrganisationId, to_hex

router = APIRouter(prefix="/v1/consents", tags=["consents"])


@router.post("", status_code=202, response_model=QueuedConsents)
async def grant(
    context: NodeContext,
    caller: Caller,
    request: Request,
    body: GrantConsents,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to anchor 1 to 10,000 consents of the caller's organisation; all or none."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        leaves = await grant_consents(
            connection,
            context.deployment,
            context.master_key,
            context.operator,
            OrganisationId(caller.organisation_id),
            body.records,
            freshness.now,
        )
        queued = [QueuedConsent(leaf=leaf, state="queued") for leaf in leaves]
        return 202, QueuedConsents(consents=queued).to_json()

    return await write_once(context, caller, request, key, act)


@router.post("/status", response_model=ConsentAnswers)
async def status(context: NodeContext, caller: Caller, body: StatusQuestions) -> ConsentAnswers:
    """The gate: where consents stand now. An index that is too old is a 503, never `active`."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        answers = [
            await _answer(context, connection, question, f"consents.{index}", freshness.now)
            for index, question in enumerate(body.consents)
        ]
    return ConsentAnswers(as_of=AsOf.of(freshness), consents=answers)


@router.get("/{leaf}", response_model=Consent)
async def show(context: NodeContext, caller: Caller, leaf: Hash) -> Consent:
    """One consent of the caller's organisation, with its record and its place on chain."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        known = await find_consent(connection, leaf)
        if known is None:
            raise _unknown(leaf)
        entry = known.entry
        state, chain_status = await consent_status(
            connection, entry, context.consent_registry, freshness.now
        )
        anchoring = await query(connection, find_anchoring, entry.issuer, leaf)
    record = None
    if known.wrapped_key is not None:
        sealed = SealedRecord(known.sealed_record, known.wrapped_key)
        record = json.loads(unseal(sealed, leaf, context.master_key))
    return Consent(
        as_of=AsOf.of(freshness),
        status=ConsentAnswer.of(leaf, state, chain_status, known.assurance),
        agreement_id=entry.agreement_id,
        issuer=entry.issuer,
        holder=entry.holder,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        record=record,
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


async def _answer(
    context: Context,
    connection: AsyncConnection,
    question: StatusQuestion,
    at: str,
    now: int,
) -> ConsentAnswer:
    if question.entry is not None:
        with naming(f"{at}.entry"):
            entry = decode_entry(question.entry)
        leaf = leaf_of(entry)
        known = await find_consent(connection, leaf)
        assurance = known.assurance if known else None
    else:
        assert question.leaf is not None
        leaf = Leaf(question.leaf)
        known = await find_consent(connection, leaf)
        if known is None:
            problem = _unknown(leaf)
            raise problem.about(f"{at}.leaf")
        entry, assurance = known.entry, known.assurance
    state, chain_status = await consent_status(connection, entry, context.consent_registry, now)
    return ConsentAnswer.of(leaf, state, chain_status, assurance)


def _unknown(leaf: bytes) -> Problem:
    return not_found(
        "consent",
        to_hex(leaf),
        "Ask with the full entry, or as the organisation that holds the record.",
    )
