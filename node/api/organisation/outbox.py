"""`/organisation/outbox`: what the node promised to bring to the ledger, how far each act is, what
keeps it, and how it is tried again; and whether the node itself keeps up."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.freshness import Freshness
from node.api.context import Context, NodeContext
from node.api.organisation.blanks import BlankIsNone
from node.api.organisation.overview import read_health
from node.api.organisation.page_route import PageRoute, see_other
from node.api.organisation.rendering import show
from node.api.organisation.visitor import visiting
from node.api.principal import Principal
from node.api.routes import outbox
from node.api.routes.outbox import ActId, State
from node.commands.count_work import count_acts, count_undelivered
from node.db import act_as
from node.outbox import MAX_ACT_ID
from node.permissions import Area

pages = APIRouter(prefix="/organisation/outbox", route_class=PageRoute)
Reader = Annotated[Principal, visiting(Area.EVENTS)]
Writer = Annotated[Principal, visiting(Area.EVENTS, write=True)]

PATH = "/organisation/outbox"
SHOWN = 50
STATES = ("waiting", "sent", "mined", "final", "failed", "expired")
TRIED_AGAIN = ("waiting", "failed")


@pages.get("")
async def list_own(
    request: Request,
    context: NodeContext,
    visitor: Reader,
    state: Annotated[State | None, BlankIsNone] = None,
    before: Annotated[int, Query(ge=1, le=MAX_ACT_ID)] = MAX_ACT_ID,
) -> HTMLResponse:
    """The newest first; it answers even while the index is old."""
    found = await outbox.list_own(context, visitor, state, before, SHOWN)
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        health = await _health(context, connection, visitor)
    values = {
        "found": found,
        "state": state,
        "states": STATES,
        "before": None if before == MAX_ACT_ID else before,
        "health": health,
        "blocks_left": partial(blocks_left, context, health["read"]),
    }
    return show(request, context, visitor, "outbox.html", values)


@pages.get("/{act_id}")
async def show_one(
    request: Request, context: NodeContext, visitor: Reader, act_id: ActId
) -> HTMLResponse:
    """One act: its transactions, why it waits or has failed, and what to do."""
    act = await outbox.show(context, visitor, act_id)
    async with context.database.begin() as connection:
        health = await read_health(context, connection)
    values = {
        "act": act,
        "may_be_tried": act.state in TRIED_AGAIN,
        "blocks_left": partial(blocks_left, context, health["read"]),
    }
    return show(request, context, visitor, "act.html", values)


@pages.post("/{act_id}/retry")
async def retry(request: Request, context: NodeContext, visitor: Writer, act_id: ActId) -> Response:
    """Tries it again now."""
    await outbox.retry(context, visitor, act_id)
    return see_other(request, f"{PATH}/{act_id}")


def blocks_left(context: Context, read: Freshness | None, block_number: int) -> int | None:
    """How many blocks have still to follow until nothing takes this one back; None while the index
    has read none."""
    if read is None:
        return None
    return max(0, block_number + context.settings.finality_blocks - read.block.block_number)


async def _health(
    context: Context, connection: AsyncConnection, visitor: Principal
) -> dict[str, Any]:
    undelivered = await count_undelivered(connection, visitor.organisation_id)
    return {
        **await read_health(context, connection),
        "acts": await count_acts(connection),
        "waiting": undelivered.get("waiting", 0),
        "refused": undelivered.get("refused", 0),
    }
