"""`/v1/withdrawals`: the relay for learners. No account, no login, no fee, any operator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.consents import endings_of
from node import tables
from node.api.context import NodeContext, require_fresh
from node.api.page_rendering import preferred_language
from node.api.schemas.base import Address, AsOf, Hash
from node.api.schemas.withdrawals import Withdraw, Withdrawal
from node.api.sentences import translate
from node.commands.gate import WITHDRAWAL_PENDING
from node.commands.withdraw_consent import check_slip, withdraw_consent
from node.db import query
from node.problems import naming, not_found
from protocol.entries import decode_entry
from protocol.slip import decode_slip
from protocol.types import to_hex

router = APIRouter(prefix="/v1/withdrawals", tags=["withdrawals"])


@router.post("", status_code=202, response_model=Withdrawal)
async def withdraw(context: NodeContext, body: Withdraw) -> JSONResponse:
    """Takes any valid signed withdrawal or slip. From this answer on the gate is closed.

    Sending it again is harmless and answers where it stands; what was accepted and could not be
    carried out is promised anew.
    """
    if body.slip is not None:
        with naming("slip"):
            slip = decode_slip(body.slip)
        check_slip(slip, context.deployment)
        entry, signature = slip.entry, slip.signature
    else:
        assert body.entry is not None
        assert body.signature is not None
        with naming("entry"):
            entry, signature = decode_entry(body.entry), body.signature
    async with context.database.begin() as connection:
        finality_blocks = context.settings.finality_blocks
        given = context.deployment, entry, signature, finality_blocks
        leaf = await withdraw_consent(connection, *given)
        answer = await _state(connection, leaf, entry.holder)
    return JSONResponse(answer.to_json(), 202)


@router.get("/{leaf}", response_model=Withdrawal)
async def show(
    request: Request,
    context: NodeContext,
    leaf: Hash,
    holder: Annotated[
        Address | None, Query(description="The consent's, as its entry has it.")
    ] = None,
) -> Withdrawal:
    """Where a withdrawal that this node accepted stands. With the holder's address also one that
    came to the ledger through another node. A failure is told as a problem is: in English, or in
    the language that `Accept-Language` asks for."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        statement = select(tables.withdrawals.c.holder).where(tables.withdrawals.c.leaf == leaf)
        accepted = (await connection.execute(statement)).scalar_one_or_none()
        answer = await _state(connection, leaf, accepted or holder or b"")
        if accepted is None and answer.state == WITHDRAWAL_PENDING:
            raise not_found("withdrawal", to_hex(leaf), "Send it: POST /v1/withdrawals.")
    if answer.failure is not None:  # which a learner reads
        translate(answer.failure, preferred_language(request.headers.get("accept-language", "")))
    return answer.model_copy(update={"as_of": AsOf.of(freshness)})


async def _state(connection: AsyncConnection, leaf: bytes, holder: bytes) -> Withdrawal:
    endings = await query(connection, endings_of, leaf, [holder])
    if endings:
        return Withdrawal(
            leaf=leaf,
            state="withdrawn",
            ended_at=endings[0].ended_at,
            ended_by="holder",
            transaction_hash=endings[0].transaction_hash,
            block_number=endings[0].block_number,
        )
    statement = text("SELECT * FROM node.relay_state(:leaf)")
    row = (await connection.execute(statement, {"leaf": leaf})).one_or_none()
    return Withdrawal(
        leaf=leaf,
        state=WITHDRAWAL_PENDING,
        transaction_hash=row.transaction_hash if row else None,
        failure=row.failure if row else None,
    )
