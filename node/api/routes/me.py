"""`/v1/me`: what this node holds for a learner, who proves one-time keys and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import ColumnElement, Row, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_dids
from node import tables
from node.api.context import Context, NodeContext, require_fresh
from node.api.learner_sessions import SESSION_SECONDS, SessionRefused, TooManySessions
from node.api.rate_limits import NETWORK
from node.api.schemas.base import AsOf, Hash
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
async def begin(context: NodeContext, request: Request) -> SessionBegun:
    """Begins a session without any key. It lives in memory, for 30 minutes at most."""
    try:
        token, session = context.sessions.begin(request.scope.get(NETWORK, ""))
    except TooManySessions as error:
        raise Problem.of("too-many-sessions", str(error)) from error
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
async def list_consents(
    context: NodeContext,
    credentials: Session,
    after: Hash | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> HeldConsents:
    """The consents of the session's keys, those that begin last first."""
    holders = holders_of(context, credentials)
    async with context.database.begin() as connection:
        freshness = await require_fresh(context, connection)
        await see_holders(connection, holders)
        rows = await rows_held(connection, holders, after, limit + 1)
        shown = rows[:limit]
        entries = [entry_of_row(row) for row in shown]
        answers = await context.gate.ask(connection, entries, freshness)
        dids = await query(connection, find_dids, {entry.issuer for entry in entries})
    held = [
        _held(context.master_key, row, entry, answer, dids.get(entry.issuer))
        for row, entry, answer in zip(shown, entries, answers, strict=True)
    ]
    return HeldConsents(
        as_of=AsOf.of(freshness),
        consents=held,
        next=shown[-1].leaf if len(rows) > limit else None,
    )


def holders_of(
    context: Context, credentials: HTTPAuthorizationCredentials | None
) -> frozenset[HolderAddress]:
    """The keys that the session has proven; a 401 problem without a session."""
    try:
        return frozenset(context.sessions.get(_token(credentials)).holders)
    except SessionRefused as error:
        raise _refused(str(error)) from error


async def rows_held(
    connection: AsyncConnection,
    holders: frozenset[HolderAddress],
    after: bytes | None = None,
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """One row of `node.consents` for each consent of these keys, which the transaction sees: those
    that begin last first, from the one after the leaf `after` on."""
    consents = tables.consents
    begins_last = (consents.c.valid_from, consents.c.leaf)
    conditions: list[ColumnElement[bool]] = [consents.c.holder.in_(list(holders))]
    if after is not None:
        last = select(*begins_last).where(*conditions, consents.c.leaf == after).limit(1).subquery()
        conditions.append(tuple_(*begins_last) < select(last).scalar_subquery())
    statement = (
        select(consents)
        .ext(distinct_on(*begins_last))
        .where(*conditions)
        .order_by(*(column.desc() for column in begins_last), consents.c.created_at)
        .limit(limit)
    )
    return (await connection.execute(statement)).all()


def _held(
    master_key: bytes, row: Row[Any], entry: Entry, answer: GateAnswer, issuer_did: str | None
) -> HeldConsent:
    document = None
    if row.wrapped_key is not None:
        sealed = SealedRecord(row.sealed_record, row.wrapped_key)
        document = json.loads(unseal(sealed, row.leaf, master_key))["document"]
    return HeldConsent(
        status=ConsentAnswer.of(row.leaf, answer, row.assurance),
        entry=encode_entry(entry),
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        issuer=entry.issuer,
        issuer_did=issuer_did,
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
