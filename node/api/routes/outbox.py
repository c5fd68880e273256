"""`/v1/outbox`: what this node promised to bring to the chain for an organisation, and how far it
is."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from node.api.context import NodeContext
from node.api.principal import Principal, may
from node.api.schemas.outbox import OutboxAct, OutboxPage
from node.commands.retry_act import find_own_act, retry_act
from node.db import act_as
from node.outbox import MAX_ACT_ID, list_acts
from node.permissions import Area

router = APIRouter(prefix="/v1/outbox", tags=["outbox"])
Reader = Annotated[Principal, may(Area.EVENTS)]
Writer = Annotated[Principal, may(Area.EVENTS, write=True)]
ActId = Annotated[int, Path(ge=1, le=MAX_ACT_ID)]

State = Literal["waiting", "sent", "mined", "final", "failed", "expired"]


@router.get("", response_model=OutboxPage)
async def list_own(
    context: NodeContext,
    caller: Reader,
    state: State | None = None,
    before: Annotated[
        int, Query(ge=1, le=MAX_ACT_ID, description="`next` of a page.")
    ] = MAX_ACT_ID,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> OutboxPage:
    """The acts of the caller's organisation, the newest first."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_acts(connection, state, before, limit + 1)
    return OutboxPage(
        items=[OutboxAct.of(row) for row in rows[:limit]],
        next=rows[limit - 1].outbox_id if len(rows) > limit else None,
    )


@router.get("/{act_id}", response_model=OutboxAct)
async def show(context: NodeContext, caller: Reader, act_id: ActId) -> OutboxAct:
    """One act of the caller's organisation."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        return OutboxAct.of(await find_own_act(connection, act_id))


@router.post("/{act_id}/retry", response_model=OutboxAct)
async def retry(context: NodeContext, caller: Writer, act_id: ActId) -> OutboxAct:
    """Tries an act again now: one that waits for a later time, or that failed and for which the
    reason is gone."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        row = await retry_act(connection, act_id)
    return OutboxAct.of(row)
