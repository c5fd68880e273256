"""`/v1/events`: what happens on the ledger, in order, as a stream or page by page."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from indexer.queries.feed import (
    PAGE_LIMIT_MAX,
    Message,
    Page,
    Position,
    PositionUnknown,
    Wanted,
    head_position,
    parse_position,
    read_page,
)
from node.api.context import Context, NodeContext, require_fresh
from node.api.principal import Principal, may
from node.api.schemas.base import AsOf
from node.api.schemas.events import (
    EventNames,
    FeedStanding,
    LedgerEvent,
    LedgerEvents,
    PositionText,
)
from node.db import query, snapshots
from node.event_names import require_event_names
from node.permissions import Area, right
from node.problems import Problem

STREAM_PAGE_LIMIT = 100
STREAMS_MAX = 500
STREAMS_OF_ONE_MAX = 50
HEARTBEAT_SECONDS = 15
CALLER_SECONDS = 1.0
"""How long a stream believes that its reader may still read."""
SEND_TIMEOUT_SECONDS = 30.0
"""How long a reader may take no bytes before its stream is ended; it resumes by its position."""

router = APIRouter(prefix="/v1/events", tags=["events"])
Reader = Annotated[Principal, may(Area.EVENTS)]


@router.get(
    "",
    response_model=LedgerEvents,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
    },
)
async def follow(
    request: Request,
    context: NodeContext,
    caller: Reader,
    after: PositionText | None = None,
    names: EventNames = "",
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT_MAX)] = STREAM_PAGE_LIMIT,
    last_event_id: Annotated[PositionText | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """Events after a position: a page of them, or, with `Accept: text/event-stream`, all that
    follow, without end, as server-sent events. It begins at `Last-Event-ID`, else at `after`
    (`0-0-0`: everything), else now. A message `removed` takes back the one with the same id: its
    block is no longer on the chain. A stream says how old the index is: `heartbeat` every 15
    seconds, and `stale` as soon as it is too old to answer; neither is an event of the ledger, nor
    has it an id."""
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    wanted = Wanted(context.settings.feed_finality, require_event_names(chosen))
    asked = last_event_id or after
    async with snapshots(context.database).connect() as connection:
        freshness = await require_fresh(context, connection)
        begin = parse_position(asked) if asked else await query(connection, head_position)
        try:
            page = await query(connection, read_page, begin, wanted, limit)
        except PositionUnknown as error:
            raise Problem.of("position-unknown", str(error)).about("after") from error
    if "text/event-stream" not in request.headers.get("accept", ""):
        return JSONResponse(LedgerEvents.of(page, AsOf.of(freshness)).to_json())
    if context.news.followers >= STREAMS_MAX:
        detail = f"{STREAMS_MAX} streams are open on this node, which is as many as it serves."
        raise Problem.of("streams-exhausted", detail)
    if context.news.following[caller.organisation_id] >= STREAMS_OF_ONE_MAX:
        detail = f"{STREAMS_OF_ONE_MAX} streams are open, which is as many as one may have."
        raise Problem.of("too-many-streams", detail)
    return EventSourceResponse(
        stream(context, caller, begin, wanted),
        ping=HEARTBEAT_SECONDS,
        send_timeout=SEND_TIMEOUT_SECONDS,
    )


async def stream(
    context: Context, caller: Principal, at: Position, wanted: Wanted
) -> AsyncIterator[bytes]:
    """Messages from a position on until the reader leaves, or may not read them any more. One page
    is in memory at a time, and the next is read only when the reader has taken this one. Silence
    means that nothing happened: where it might mean that the index stands still, the reader is
    told."""
    reader = caller.organisation_id
    context.news.following[reader] += 1
    asked_at, pulse = time.monotonic(), Pulse()
    try:
        # An id without data moves the reader's Last-Event-ID: who is cut off before the first
        # message goes on from here.
        yield ServerSentEvent(id=str(at), comment="following").encode()
        while not context.news.is_closed:
            coming = context.news.coming()
            if time.monotonic() - asked_at > CALLER_SECONDS:
                if not await caller.still_may(right(Area.EVENTS)):
                    break
                asked_at = time.monotonic()
            page, standing = await read_snapshot(context, at, wanted)
            at = page.next
            beat = pulse.beat(standing)
            if beat is not None:
                yield beat
            if page.messages:
                yield b"".join(encode(message) for message in page.messages)
            else:
                await coming.wait()
    finally:
        context.news.following[reader] -= 1
        if not context.news.following[reader]:
            del context.news.following[reader]


class Pulse:
    """Says how old the index is, now and then, and at once when it becomes stale or fresh."""

    def __init__(self) -> None:
        self._beaten_at = time.monotonic()
        self._is_stale = False

    def beat(self, standing: FeedStanding) -> bytes | None:
        """What a reader is told of this; None if nothing new is to be said yet."""
        is_stale = standing.problem is not None
        now = time.monotonic()
        if is_stale == self._is_stale and now - self._beaten_at < HEARTBEAT_SECONDS:
            return None
        self._beaten_at, self._is_stale = now, is_stale
        name = "stale" if is_stale else "heartbeat"
        return ServerSentEvent(json.dumps(standing.to_json()), event=name).encode()


def encode(message: Message) -> bytes:
    """A message as EventSource reads it."""
    event = LedgerEvent.of(message)
    name = "removed" if event.removed else event.name
    return ServerSentEvent(json.dumps(event.to_json()), event=name, id=event.position).encode()


async def read_snapshot(
    context: Context, at: Position, wanted: Wanted
) -> tuple[Page, FeedStanding]:
    """One page, as the index was at one moment, and how old it was then."""
    async with snapshots(context.database).connect() as connection:
        page = await query(connection, read_page, at, wanted, STREAM_PAGE_LIMIT)
        try:
            freshness = await require_fresh(context, connection)
        except Problem as problem:
            return page, FeedStanding(as_of=None, problem=problem.document(router.prefix))
    return page, FeedStanding(as_of=AsOf.of(freshness), problem=None)
