"""A learner's export, piece by piece: nobody waits for it but the learner, and no more of it is in
memory than a piece.

Each piece is read in a transaction of its own, so that a slow reader holds no connection of the
database, and written by a thread, between whose steps others are answered. All of them say how
things stood at the same time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Message, Receive, Scope, Send

from indexer.queries.freshness import Freshness
from indexer.queries.participants import find_dids
from node.api.context import Context
from node.api.routes.me import rows_held
from node.api.schemas.base import AsOf, Shape
from node.api.schemas.consents import ConsentAnswer
from node.api.schemas.my_rights import ExportedConsent, LearnerExport, UseSeen
from node.api.schemas.rights_requests import RightsRequestSeen
from node.commands.gate import GateAnswer, entry_of_row
from node.commands.keep_rights_requests import list_held
from node.db import query, see_holders
from node.sealing import SealedRecord, unseal
from protocol.types import HolderAddress, OrganisationId

CONSENTS_OF_PIECE = 50
"""Of at most 64 KiB each."""
USES_OF_PIECE = 2_000
REQUESTS_OF_PIECE = 100
EXPORTED_USES_MAX = 50_000
PRINTED_CONSENTS_MAX = 1_000
PRINTED_USES_MAX = 5_000
"""What a PDF shows: its pages are drawn in memory, and nobody reads more of them."""
SEND_SECONDS_MAX = 30.0
"""How long a reader may take no bytes before the export is broken off."""
_USES = text(
    "SELECT * FROM node.uses_held()"
    " ORDER BY used_at, consent_leaf, organisation_id, position LIMIT :limit OFFSET :passed"
)
Holders = frozenset[HolderAddress]


class PiecesResponse(StreamingResponse):
    """Pieces of JSON, to a reader who takes them; it has a place until the last is sent."""

    media_type = "application/json"

    def __init__(self, pieces: AsyncIterator[bytes], place: AbstractContextManager[None]) -> None:
        super().__init__(pieces)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The framework's; a 429 problem before anything is sent if there is no place."""
        with self._place:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """The framework's, with an end to how long it waits for the reader."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await send(message)

        await super().stream_response(send_in_time)


async def export_pieces(
    context: Context,
    holders: Holders,
    freshness: Freshness,
    consents_max: int | None = None,
    uses_max: int = EXPORTED_USES_MAX,
) -> AsyncIterator[bytes]:
    """The JSON of a LearnerExport, with at most so many consents and uses."""
    empty = LearnerExport(
        exported_at=int(time.time()),
        as_of=AsOf.of(freshness),
        chain_id=context.deployment.chain_id,
        registry=context.consent_registry,
        operator_did=context.settings.operator_did,
        consents=[],
        uses=[],
        more_uses=False,
        requests=[],
    ).to_json()
    lists = {"consents", "uses", "moreUses", "requests"}
    head = {name: value for name, value in empty.items() if name not in lists}
    yield json.dumps(head, ensure_ascii=False).encode()[:-1] + b',"consents":['
    async for piece in _joined(_consents(context, holders, freshness, consents_max)):
        yield piece
    yield b'],"uses":['
    async for piece in _joined(_uses(context, holders, uses_max)):
        yield piece
    async with context.database.begin() as connection:
        await see_holders(connection, holders)
        more = bool(await uses_of(connection, 1, uses_max))
    yield b'],"moreUses":' + json.dumps(more).encode() + b',"requests":['
    async for piece in _joined(_requests(context, holders, empty["exportedAt"])):
        yield piece
    yield b"]}"


async def whole_to_print(
    context: Context, holders: Holders, freshness: Freshness
) -> Mapping[str, Any]:
    """As much of an export as a PDF shows."""
    pieces = export_pieces(context, holders, freshness, PRINTED_CONSENTS_MAX + 1, PRINTED_USES_MAX)
    joined = b"".join([piece async for piece in pieces])
    whole: dict[str, Any] = await run_in_threadpool(json.loads, joined)
    consents = whole["consents"]
    return {
        **whole,
        "consents": consents[:PRINTED_CONSENTS_MAX],
        "moreConsents": len(consents) > PRINTED_CONSENTS_MAX,
    }


async def uses_of(connection: AsyncConnection, limit: int, passed: int) -> list[UseSeen]:
    """Uses of the consents that the transaction sees, the oldest first, after so many."""
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


async def _consents(
    context: Context, holders: Holders, freshness: Freshness, consents_max: int | None
) -> AsyncIterator[bytes]:
    after, left = None, consents_max
    while left is None or left > 0:
        limit = CONSENTS_OF_PIECE if left is None else min(CONSENTS_OF_PIECE, left)
        async with context.database.begin() as connection:
            await see_holders(connection, holders)
            rows = await rows_held(connection, holders, after, limit)
            entries = [entry_of_row(row) for row in rows]
            answers = await context.gate.ask(connection, entries, freshness)
            dids = await query(connection, find_dids, {row.issuer for row in rows})
        yield await run_in_threadpool(_write_consents, context.master_key, rows, answers, dids)
        if len(rows) < limit:
            return
        after, left = rows[-1].leaf, left and left - len(rows)


def _write_consents(
    master_key: bytes,
    rows: Sequence[Any],
    answers: Sequence[GateAnswer],
    dids: Mapping[OrganisationId, str],
) -> bytes:
    return _write(
        [
            ExportedConsent(
                status=ConsentAnswer.of(row.leaf, answer, row.assurance),
                issuer_did=dids.get(row.issuer),
                record=_record(row, master_key),
            )
            for row, answer in zip(rows, answers, strict=True)
        ]
    )


async def _uses(context: Context, holders: Holders, uses_max: int) -> AsyncIterator[bytes]:
    for passed in range(0, uses_max, USES_OF_PIECE):
        limit = min(USES_OF_PIECE, uses_max - passed)
        async with context.database.begin() as connection:
            await see_holders(connection, holders)
            uses = await uses_of(connection, limit, passed)
        yield await run_in_threadpool(_write, uses)
        if len(uses) < limit:
            return


async def _requests(context: Context, holders: Holders, now: int) -> AsyncIterator[bytes]:
    after = None
    while True:
        async with context.database.begin() as connection:
            await see_holders(connection, holders)
            found = await list_held(
                connection, context.master_key, holders, after, REQUESTS_OF_PIECE
            )
        shown = [RightsRequestSeen.of(request, now) for request in found]
        yield await run_in_threadpool(_write, shown)
        if len(found) < REQUESTS_OF_PIECE:
            return
        after = found[-1].rights_request_id


async def _joined(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Those that have something in them, with commas between."""
    comma = b""
    async for piece in pieces:
        if piece:
            yield comma + piece
            comma = b","


def _write(items: Sequence[Shape]) -> bytes:
    """The items of an array, without its brackets."""
    return ",".join(json.dumps(each.to_json(), ensure_ascii=False) for each in items).encode()


def _record(row: Any, master_key: bytes) -> dict[str, Any] | None:
    if row.wrapped_key is None:
        return None
    sealed = SealedRecord(row.sealed_record, row.wrapped_key)
    record: dict[str, Any] = json.loads(unseal(sealed, row.leaf, master_key))
    return record
