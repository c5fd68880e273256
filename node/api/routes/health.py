"""`/healthz`, `/readyz`, `/metrics`: for whoever watches the node."""

from __future__ import annotations

import contextlib
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from indexer.cursor import read_halt, read_proven
from indexer.queries.freshness import IndexEmpty, count_quarantined, read_freshness
from node.api.context import NodeContext, require_fresh
from node.api.metrics import (
    AGE_SECONDS,
    EVENT_STREAMS,
    INDEX_BLOCK,
    INDEX_HALTED,
    INDEX_PROVEN_BLOCK,
    OUTBOX_OLDEST_SECONDS,
    OUTBOX_OPEN,
    QUARANTINED,
)
from node.db import query

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(context: NodeContext) -> dict[str, Any]:
    """The database answers and the index is fresh; otherwise a 503 problem."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        outbox = (await connection.execute(text("SELECT * FROM node.outbox_summary()"))).one()
    return {
        "status": "ready",
        "chainId": context.deployment.chain_id,
        "blockNumber": freshness.block.block_number,
        "ageSeconds": round(freshness.age_seconds, 3),
        "outboxOpen": outbox.waiting,
    }


@router.get("/metrics")
async def metrics(context: NodeContext) -> Response:
    """Prometheus text format."""
    async with context.database.connect() as connection:
        outbox = (await connection.execute(text("SELECT * FROM node.outbox_summary()"))).one()
        halt = await query(connection, read_halt)
        INDEX_HALTED.set(halt is not None)
        proven = await query(connection, read_proven)
        INDEX_PROVEN_BLOCK.set(0 if proven is None else proven.block_number)
        QUARANTINED.set(await query(connection, count_quarantined))
        with contextlib.suppress(IndexEmpty):
            freshness = await query(connection, read_freshness)
            INDEX_BLOCK.set(freshness.block.block_number)
            AGE_SECONDS.set(freshness.age_seconds)
    EVENT_STREAMS.set(context.news.followers)
    OUTBOX_OPEN.set(outbox.waiting)
    OUTBOX_OLDEST_SECONDS.set(outbox.oldest_seconds)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
