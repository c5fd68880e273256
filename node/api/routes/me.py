"""`/v1/me`: what this node holds for a learner, who proves one-time keys and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_participant
from node import tables
from node.api.context import Context, NodeContext, require_fresh
from node.api.learner_sessions import SESSION_SECONDS, SessionRefused
from node.api.schemas.base import AsOf
from node.api.schemas.consents import ConsentAnswer
from node.api.schemas.me import (
    HeldConsent,
    HeldConsents,
    KnownHolders,
    ProveHolders,
    SessionBegun,
)
from node.commands.gate import GateAnswer, entry_of_row
from node.db import query, see_holders
from node.problems import Problem
from node.sealing import SealedRecord, unseal
from protocol.entries import Entry, encode_entry
from protocol.types import HolderAddress

router = APIRouter(prefix="/v1/me", tags=["me"])

learner_bearer = HTTPBearer(
    auto_error=False, scheme_name="LearnerSession", description="A learner's session token."
)
Session = Annotated[HTTPAuthorizationCredentials | None, Depends(learner_bearer)]


@router.post("/session", status_code=201, response_model=SessionBegun)
async def begin(context: NodeContext) -> SessionBegun:
    """Begins a session without any key. It lives in memory, for 30 minutes at most."""
    token, session = context.sessions.begin()
    return SessionBegun(token=token, nonce=session.nonce, seconds=SESSION_SECONDS)


@router.post("/holders", response_model=KnownHolders)
async def prove(context: NodeContext, credentials: Session, body: ProveHolders) -> KnownHolders:
    """Adds one-time keys to the session; says which of them hold a consent here."""
    token = _token(credentials)
    holders = [HolderAddress(proof.holder) for proof in body.holders]
    try:
        for proof, holder in zip(body.holders, holders, strict=True):
            context.sessions.prove(token, holder, proof.signature)
    except SessionRefused as error:
        raise _refused(str(error)) from error
    consents = tables.consents
    async with context.database.begin() as connection:
        await see_holders(connection, holders)
        statement = select(consents.c.holder).where(consents.c.holder.in_(holders)).distinct()
        found = set((await connection.execute(statement)).scalars())
    return KnownHolders(known=[holder in found for holder in holders])


@router.get("/consents", response_model=HeldConsents)
async def list_consents(context: NodeContext, credentials: Session) -> HeldConsents:
    """The consents of the session's keys, the newest first."""
    holders = holders_of(context, credentials)
    async with context.database.begin() as connection:
        freshness = await require_fresh(context, connection)
        await see_holders(connection, holders)
        rows = await rows_held(connection, holders)
        entries = [entry_of_row(row) for row in rows]
        answers = await context.gate.ask(connection, entries, freshness)
        held = [
            await _held(context, connection, row, entry, answer)
            for row, entry, answer in zip(rows, entries, answers, strict=True)
        ]
    held.sort(key=lambda consent: -consent.valid_from)
    return HeldConsents(as_of=AsOf.of(freshness), consents=held)


def holders_of(
    context: Context, credentials: HTTPAuthorizationCredentials | None
) -> frozenset[HolderAddress]:
    """The keys that the session has proven; a 401 problem without a session."""
    try:
        return frozenset(context.sessions.get(_token(credentials)).holders)
    except SessionRefused as error:
        raise _refused(str(error)) from error


async def rows_held(
    connection: AsyncConnection, holders: frozenset[HolderAddress]
) -> Sequence[Row[Any]]:
    """One row of `node.consents` for each consent of these keys, which the transaction sees."""
    consents = tables.consents
    statement = (
        select(consents)
        .ext(distinct_on(consents.c.leaf))
        .where(consents.c.holder.in_(list(holders)))
        .order_by(consents.c.leaf, consents.c.created_at)
    )
    return (await connection.execute(statement)).all()


async def _held(
    context: Context,
    connection: AsyncConnection,
    row: Row[Any],
    entry: Entry,
    answer: GateAnswer,
) -> HeldConsent:
    issuer = await query(connection, find_participant, entry.issuer)
    document = None
    if row.wrapped_key is not None:
        sealed = SealedRecord(row.sealed_record, row.wrapped_key)
        document = json.loads(unseal(sealed, row.leaf, context.master_key))["document"]
    return HeldConsent(
        status=ConsentAnswer.of(row.leaf, answer, row.assurance),
        entry=encode_entry(entry),
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        issuer=entry.issuer,
        issuer_did=issuer.did if issuer else None,
        document=document,
    )


def _token(credentials: HTTPAuthorizationCredentials | None) -> str:
    if credentials is None:
        raise _refused("The request carries no session token.")
    return credentials.credentials


def _refused(detail: str) -> Problem:
    return Problem.of(
        "session-refused",
        detail,
        "Begin one with POST /v1/me/session and let each key sign its nonce.",
    )
