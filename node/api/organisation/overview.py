"""`/organisation`: who the visitor is, and how the node does for the organisation."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.cursor import read_halt
from indexer.queries.freshness import Freshness, IndexEmpty, read_freshness
from node import tables
from node.api.context import Context, NodeContext, judge_fresh
from node.api.organisation.page_route import PageRoute
from node.api.organisation.rendering import show
from node.api.organisation.visitor import Visitor
from node.api.principal import Principal
from node.commands.count_work import count_acts, count_undelivered
from node.commands.keep_people import find_label
from node.commands.list_agreements import TO_SIGN_COUNTED_MAX, count_to_sign
from node.db import act_as, query
from node.outbox import IN_VAIN, MAX_ACT_ID, list_acts
from node.permissions import Area, right
from protocol.types import OrganisationId

pages = APIRouter(prefix="/organisation", route_class=PageRoute)

FAILED_SHOWN_MAX = 5


@pages.get("")
async def overview(request: Request, context: NodeContext, visitor: Visitor) -> HTMLResponse:
    """What an organisation's person looks at first; it answers even while the index is old."""
    async with context.database.begin() as connection:
        await act_as(connection, visitor.organisation_id)
        health = await read_health(context, connection)
        values = {
            "person": await _person(context, connection, visitor),
            "health": health,
            "work": await _work(connection, visitor),
            "to_sign": await _to_sign(connection, visitor, health["fresh"]),
            "counted_max": TO_SIGN_COUNTED_MAX,
        }
    return show(request, context, visitor, "overview.html", values)


async def _person(
    context: Context, connection: AsyncConnection, visitor: Principal
) -> dict[str, Any]:
    own = select(tables.organisations.c.did, tables.organisations.c.name)
    did, name = (await connection.execute(own)).one()
    label = None
    if visitor.person_id is not None:
        label = await find_label(connection, visitor.person_id, context.master_key)
    return {"did": did, "organisation": name, "label": label}


async def read_health(context: Context, connection: AsyncConnection) -> dict[str, Any]:
    """`fresh` is None for an index that is too old to answer, or stands still; `read` is what it
    last said."""
    try:
        read = await query(connection, read_freshness)
    except IndexEmpty:
        read = None
    fresh = None if read is None else judge_fresh(context.settings, read)
    return {"read": read, "fresh": fresh, "halt": await query(connection, read_halt)}


async def _to_sign(
    connection: AsyncConnection, visitor: Principal, fresh: Freshness | None
) -> int | None:
    """How many agreements wait for the organisation's signature; None for whoever may not see any,
    and while the index is too old to tell."""
    if fresh is None or right(Area.AGREEMENTS) not in visitor.grant.rights:
        return None
    return await count_to_sign(connection, OrganisationId(visitor.organisation_id), fresh.now)


async def _work(connection: AsyncConnection, visitor: Principal) -> dict[str, Any] | None:
    """None for whoever may not see what the organisation has promised."""
    if right(Area.EVENTS) not in visitor.grant.rights:
        return None
    failed = [
        act
        for state in IN_VAIN
        for act in await list_acts(connection, state, MAX_ACT_ID, FAILED_SHOWN_MAX)
    ]
    newest = sorted(failed, key=lambda act: -act.outbox_id)[:FAILED_SHOWN_MAX]
    undelivered = await count_undelivered(connection, visitor.organisation_id)
    return {"acts": await count_acts(connection), "failed": newest, **undelivered}
