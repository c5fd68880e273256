"""What routes share that answer of a time that has passed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.cursor import BlockRef
from indexer.queries.accounts import block_at
from indexer.queries.freshness import Freshness
from node.api.schemas.base import MAX_SAFE_TIME
from node.db import query
from node.problems import Problem
from protocol.types import UnixSeconds

AtTime = Annotated[
    int | None,
    Query(ge=0, le=MAX_SAFE_TIME, description="A time that has passed, in Unix seconds."),
]


def time_asked(at: int | None, freshness: Freshness) -> UnixSeconds:
    """The time that is asked for, by default now; a 422 problem for one in the future, of which
    the index cannot know."""
    if at is not None and at > freshness.now:
        raise Problem.of(
            "request-invalid",
            f"{at} is in the future; it is {freshness.now} now.",
            "Ask with a time that has passed, in Unix seconds.",
        ).about("at")
    return UnixSeconds(freshness.now if at is None else at)


async def block_asked(
    connection: AsyncConnection, at: int | None, freshness: Freshness
) -> BlockRef | None:
    """The block that proves an answer of the time that is asked for; None before the first."""
    return await query(connection, block_at, time_asked(at, freshness))
