"""`/healthz`, `/readyz`, `/metrics`: for whoever watches the node."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import QueuePool

from indexer.audit import NOT_WRITTEN
from indexer.cursor import read_halt, read_proven
from indexer.queries.freshness import IndexEmpty, count_quarantined, read_freshness
from node import tables
from node.api.context import NodeContext, require_fresh
from node.api.metrics import (
    AGE_SECONDS,
    BOOKS_DIFFER,
    EVENT_STREAMS,
    INDEX_BLOCK,
    INDEX_HALTED,
    INDEX_PROVEN_BLOCK,
    OPEN_ACTS,
    OPEN_ACTS_SECONDS,
    OUTBOX_OLDEST_SECONDS,
    OUTBOX_OPEN,
    POOL_IN_USE,
    POOL_SIZE,
    QUARANTINED,
    SILENT_SECONDS,
    TRANSACTIONS_OPEN,
    WEBHOOKS,
)
from node.api.principal import Principal, may, require_operator
from node.db import query
from node.permissions import Area
from node.process_metrics import TURNING, read_told

router = APIRouter(tags=["health"])
Watcher = Annotated[Principal, may(Area.HOSTING)]


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(context: NodeContext) -> dict[str, Any]:
    """The database answers and the index is fresh; otherwise a 503 problem."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
    return {
        "status": "ready",
        "chainId": context.deployment.chain_id,
        "blockNumber": freshness.block.block_number,
        "ageSeconds": round(freshness.age_seconds, 3),
    }


@router.get("/metrics")
async def metrics(context: NodeContext, caller: Watcher) -> Response:
    """Prometheus text format. For the node's operator alone: what is counted here by the second
    would tell strangers how many consents a padded batch holds."""
    require_operator(context, caller)
    async with context.database.connect() as connection:
        outbox = (await connection.execute(text("SELECT * FROM node.outbox_summary()"))).one()
        await _show_outbox(connection)
        told = await read_told(connection)
        halt = await query(connection, read_halt)
        INDEX_HALTED.set(halt is not None)
        BOOKS_DIFFER.set(halt is not None and NOT_WRITTEN in halt)
        proven = await query(connection, read_proven)
        INDEX_PROVEN_BLOCK.set(0 if proven is None else proven.block_number)
        QUARANTINED.set(await query(connection, count_quarantined))
        with contextlib.suppress(IndexEmpty):
            freshness = await query(connection, read_freshness)
            INDEX_BLOCK.set(freshness.block.block_number)
            AGE_SECONDS.set(freshness.age_seconds)
    pool = context.database.pool
    assert isinstance(pool, QueuePool)
    POOL_SIZE.set(pool.size())
    POOL_IN_USE.set(pool.checkedout())
    EVENT_STREAMS.set(context.news.followers)
    OUTBOX_OPEN.set(outbox.waiting)
    OUTBOX_OLDEST_SECONDS.set(outbox.oldest_seconds)
    SILENT_SECONDS.clear()
    for each in told:
        if each.process in TURNING:
            SILENT_SECONDS.labels(each.process).set(each.silent_seconds)
    expositions = [generate_latest(), *(each.exposition.encode() for each in told)]
    return Response(b"".join(expositions), media_type=CONTENT_TYPE_LATEST)


async def _show_outbox(connection: AsyncConnection) -> None:
    OPEN_ACTS.clear()
    OPEN_ACTS_SECONDS.clear()
    for row in await connection.execute(text("SELECT * FROM node.open_acts()")):
        OPEN_ACTS.labels(row.kind, row.state).set(row.acts)
        OPEN_ACTS_SECONDS.labels(row.kind, row.state).set(row.oldest_seconds)
    transactions = tables.transactions
    statement = select(func.count()).select_from(transactions).where(literal_column("is_open"))
    TRANSACTIONS_OPEN.set((await connection.execute(statement)).scalar_one())
    WEBHOOKS.clear()
    for row in await connection.execute(text("SELECT * FROM node.webhook_summary()")):
        WEBHOOKS.labels(row.state).set(row.webhooks)
