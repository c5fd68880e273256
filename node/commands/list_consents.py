"""Lists the consents that an organisation holds, by agreement and by where they stand.

Where a consent stands is nowhere stored: it follows from the chain and the time. So a list of one
state asks the gate of each and leaves out the others; it looks at so many at a time and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.freshness import Freshness
from node import tables
from node.commands.gate import QUEUED, WITHDRAWAL_PENDING, Gate, GateAnswer, entry_of_row
from protocol.consent import ConsentState
from protocol.entries import Entry
from protocol.types import Leaf

STATES = (QUEUED, WITHDRAWAL_PENDING, *(state.value for state in ConsentState))
LOOKED_AT_MAX = 2_000
CHUNK = 500


@dataclass(frozen=True, slots=True)
class ListedConsent:
    """A consent without its record, and what the gate says of it."""

    leaf: Leaf
    entry: Entry
    assurance: str
    received_at: datetime
    answer: GateAnswer


@dataclass(frozen=True, slots=True)
class ConsentsPage:
    """In the order of the leaves, which tells nothing. `next` is the leaf to go on after, where
    there may be more; `looked_at` counts those left out, too."""

    consents: Sequence[ListedConsent]
    looked_at: int
    next: Leaf | None


async def list_consents(
    connection: AsyncConnection,
    gate: Gate,
    freshness: Freshness,
    limit: int,
    agreement_id: bytes | None = None,
    state: str | None = None,
    after: bytes | None = None,
) -> ConsentsPage:
    """Those of the current organisation, at most so many."""
    found: list[ListedConsent] = []
    looked_at = 0
    chunk = limit if state is None else CHUNK
    while True:
        seen = await _read(connection, gate, freshness, chunk + 1, agreement_id, after)
        more, seen = len(seen) > chunk, seen[:chunk]
        for consent in seen:
            looked_at += 1
            after = consent.leaf
            if state is None or consent.answer.state == state:
                found.append(consent)
            if len(found) == limit:
                is_last = consent is seen[-1] and not more
                return ConsentsPage(found, looked_at, None if is_last else consent.leaf)
        if not more or looked_at >= LOOKED_AT_MAX:
            return ConsentsPage(found, looked_at, seen[-1].leaf if more else None)


async def _read(
    connection: AsyncConnection,
    gate: Gate,
    freshness: Freshness,
    limit: int,
    agreement_id: bytes | None,
    after: bytes | None,
) -> list[ListedConsent]:
    consents = tables.consents
    columns = [each for each in consents.c if each.name not in ("sealed_record", "wrapped_key")]
    statement = select(*columns).order_by(consents.c.leaf).limit(limit)
    if agreement_id is not None:
        statement = statement.where(consents.c.agreement_id == agreement_id)
    if after is not None:
        statement = statement.where(consents.c.leaf > after)
    rows = (await connection.execute(statement)).all()
    entries = [entry_of_row(row) for row in rows]
    answers = await gate.ask(connection, entries, freshness)
    return [
        ListedConsent(Leaf(row.leaf), entry, row.assurance, row.created_at, answer)
        for row, entry, answer in zip(rows, entries, answers, strict=True)
    ]
