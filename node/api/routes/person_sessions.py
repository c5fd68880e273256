"""`/v1/session` and `/v1/sessions`: who is calling, and which people are signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from node.api.context import NodeContext
from node.api.principal import Caller, Principal, may
from node.api.schemas.access import Session, SessionId, Sessions, WhoIsCalling, seconds_of
from node.commands.keep_sessions import end_own_session, end_session, list_sessions
from node.db import act_as
from node.permissions import Area

router = APIRouter(prefix="/v1", tags=["access"])


@router.get("/session", response_model=WhoIsCalling)
async def show(caller: Caller) -> WhoIsCalling:
    """The caller as the node knows it, and what it may do."""
    return WhoIsCalling(
        organisation_id=caller.organisation_id,
        kind="machine" if caller.session is None else "person",
        role=caller.role,
        areas=None if caller.areas is None else sorted(caller.areas),
        rights=sorted(caller.grant.rights),
        person_id=caller.person_id,
        address=caller.address,
        expires_at=seconds_of(caller.expires_at),
    )


@router.delete("/session", status_code=204)
async def sign_out(context: NodeContext, caller: Caller) -> Response:
    """Ends the session that the request carries."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        await end_own_session(connection, caller.session)
    return Response(status_code=204)


@router.get("/sessions", response_model=Sessions)
async def list_own(
    context: NodeContext, caller: Annotated[Principal, may(Area.ACCESS)]
) -> Sessions:
    """The organisation's sessions that can be used."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_sessions(connection, context.settings.session_idle_minutes)
    return Sessions(items=[Session.of(row) for row in rows])


@router.delete("/sessions/{session_id}", status_code=204)
async def end(
    context: NodeContext,
    caller: Annotated[Principal, may(Area.ACCESS, write=True)],
    session_id: SessionId,
) -> Response:
    """Ends a session of the organisation at once."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        await end_session(connection, session_id)
    return Response(status_code=204)
