"""`/v1/people`: who may sign in for an organisation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import NodeContext
from node.api.idempotency import write_once
from node.api.principal import Principal, may
from node.api.schemas.access import (
    ChangeRole,
    InvitedPerson,
    InvitePerson,
    People,
    Person,
    PersonId,
)
from node.commands.keep_people import (
    change_role,
    invite_person,
    label_of,
    list_people,
    remove_person,
)
from node.db import act_as
from node.permissions import Area

router = APIRouter(prefix="/v1/people", tags=["access"])
Reader = Annotated[Principal, may(Area.ACCESS)]
Writer = Annotated[Principal, may(Area.ACCESS, write=True)]


@router.post("", status_code=201, response_model=InvitedPerson)
async def invite(
    context: NodeContext, caller: Writer, request: Request, body: InvitePerson
) -> JSONResponse:
    """Invites somebody, who joins with a wallet or a passkey and has no more rights than the
    caller.

    The answer holds a secret, so it is not stored for replay: a repeated request invites another.
    """

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        row, invitation = await invite_person(
            connection,
            caller.organisation_id,
            caller.grant,
            body.label,
            body.to_grant(),
            body.valid_seconds,
            context.master_key,
        )
        address = context.settings.public_address
        invited = InvitedPerson.with_invitation(row, body.label, invitation, address)
        return 201, invited.to_json()

    return await write_once(context, caller, request, None, act)


@router.get("", response_model=People)
async def list_own(context: NodeContext, caller: Reader) -> People:
    """The organisation's people and open invitations. Accounts that manage it on chain may sign in
    besides: GET /v1/participants/{organisationId} shows them."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_people(connection)
    return People(items=[Person.of(row, label_of(row, context.master_key)) for row in rows])


@router.put("/{person_id}/role", response_model=Person)
async def give_role(
    context: NodeContext, caller: Writer, person_id: PersonId, body: ChangeRole
) -> Person:
    """Gives a person another role, which counts from the next request on."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        row = await change_role(
            connection, caller.organisation_id, caller.grant, person_id, body.to_grant()
        )
    return Person.of(row, label_of(row, context.master_key))


@router.delete("/{person_id}", status_code=204)
async def remove(context: NodeContext, caller: Writer, person_id: PersonId) -> Response:
    """Forgets a person, with passkeys; sessions and invitation end at once."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        await remove_person(connection, caller.organisation_id, person_id)
    return Response(status_code=204)
