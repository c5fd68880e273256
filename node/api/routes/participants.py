"""`/v1/participants`: organisations of the data space, and hosting them on this node."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_participant, list_participants
from node.api.context import NodeContext, require_fresh
from node.api.idempotency import write_once
from node.api.principal import Principal, may, require_operator
from node.api.schemas.base import Address, AsOf
from node.api.schemas.participants import (
    EnrolledParticipant,
    EnrolParticipant,
    Participant,
    Participants,
)
from node.commands.enrol_participant import enrol_participant
from node.db import query
from node.hosted_names import names_hosted
from node.permissions import Area
from node.problems import not_found

router = APIRouter(prefix="/v1/participants", tags=["participants"])
Writer = Annotated[Principal, may(Area.HOSTING, write=True)]


@router.get("", response_model=Participants)
async def list_all(
    context: NodeContext,
    after: Address = b"",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Participants:
    """Organisations in the order of their ids. Public, as the chain is."""
    async with context.database.connect() as connection:
        freshness = await require_fresh(context, connection)
        rows = await query(connection, list_participants, after, limit + 1)
        names = await names_hosted(connection, [row.organisation for row in rows])
    more = rows[limit - 1].organisation if len(rows) > limit else None
    items = [Participant.of(row, names) for row in rows[:limit]]
    return Participants(as_of=AsOf.of(freshness), items=items, next=more)


@router.get("/{organisation_id}", response_model=Participant)
async def show(context: NodeContext, organisation_id: Address) -> Participant:
    """One organisation with its accounts and delegations. Public, as the chain is."""
    async with context.database.connect() as connection:
        row = await query(connection, find_participant, organisation_id)
        names = await names_hosted(connection, [organisation_id])
    if row is None:
        raise not_found(
            "participant",
            "0x" + organisation_id.hex(),
            "Governance admits organisations; GET /v1/participants lists them.",
        )
    return Participant.of(row, names)


@router.post("", status_code=201, response_model=EnrolledParticipant)
async def enrol(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: EnrolParticipant,
) -> JSONResponse:
    """Hosts an admitted organisation here. Only the node's operator may.

    The answer holds a secret, so it is not stored for replay: a repeated request is a 409.
    """
    require_operator(context, caller)

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        organisation, api_key = await enrol_participant(connection, body.did, body.name)
        answer = EnrolledParticipant(organisation_id=organisation, did=body.did, api_key=api_key)
        return 201, answer.to_json()

    return await write_once(context, caller, request, None, act)
