"""What every route needs: the node's parts, made once when the application starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from indexer.cursor import read_halt
from indexer.queries.freshness import Freshness, IndexEmpty, read_freshness
from node.api.export_places import ExportPlaces
from node.api.governance.memory import FiguresMemory
from node.api.key_lookups import KeyLookups
from node.api.learner_sessions import LearnerSessions
from node.commands.block_memory import BlockMemory
from node.commands.gate import Gate
from node.config import Settings
from node.contracts import Deployment
from node.db import query
from node.did_documents import DidDocuments
from node.erasure_journal import Erased, note_erasures
from node.known_operators import KnownOperators
from node.ledger_news import LedgerNews
from node.operator_identity import OperatorIdentity
from node.problems import Problem
from node.target_checks import TargetChecks
from protocol.types import OrganisationId


@dataclass(frozen=True, slots=True)
class Context:
    """The node as its routes see it."""

    settings: Settings
    deployment: Deployment
    database: AsyncEngine
    master_key: bytes
    operator: OrganisationId
    sessions: LearnerSessions
    gate: Gate
    news: LedgerNews
    documents: DidDocuments
    identity: OperatorIdentity
    memory: BlockMemory
    keys: KeyLookups
    figures: FiguresMemory
    operators: KnownOperators
    targets: TargetChecks
    exports: ExportPlaces

    @property
    def consent_registry(self) -> bytes:
        """Address of the registry of consents, 20 bytes."""
        return self.deployment.address_bytes("ConsentRegistry")

    async def note_erasures(self, erased: Iterable[Erased]) -> None:
        """Writes them where no backup of the database reaches; to be called before the COMMIT."""
        journal = self.settings.erasure_journal
        await asyncio.to_thread(note_erasures, journal, erased, int(time.time()))


def context_of(request: Request) -> Context:
    """The context that the application carries."""
    context: Context = request.app.state.node
    return context


NodeContext = Annotated[Context, Depends(context_of)]


async def require_fresh(context: Context, connection: AsyncConnection) -> Freshness:
    """What the answer rests on; a 503 problem `index-stale` if the index is too old to answer."""
    limit = context.settings.max_staleness_seconds
    try:
        freshness = await query(connection, read_freshness)
    except IndexEmpty:
        freshness = None
    if freshness is not None:
        judged = judge_fresh(context.settings, freshness)
        if judged is not None:
            return judged
    halt = await query(connection, read_halt)
    seen = "never" if freshness is None else f"{freshness.age_seconds:.0f} s ago"
    raise Problem.of(
        "index-stale",
        f"The indexer last saw the head of the chain {seen}; the limit is {limit} s."
        if halt is None
        else f"The indexer stands still: {halt}",
        "Treat the consent as not active and ask again; the operator checks the indexer's log.",
    )


def judge_fresh(settings: Settings, read: Freshness) -> Freshness | None:
    """With a head block that is older than its successor should be, the index is that old; and now
    is never before the block. None for an index that is too old to answer, or stands still."""
    age = read.age_seconds
    if settings.block_period_seconds:
        age = max(age, read.now - read.block.block_time)
    if age > settings.max_staleness_seconds or read.halt is not None:
        return None
    return Freshness(read.block, max(read.now, read.block.block_time), age)


Act = Callable[[AsyncConnection], Awaitable[tuple[int, dict[str, Any]]]]
