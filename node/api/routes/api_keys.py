"""`/v1/api-keys`: keys for an organisation's machines, each shown once."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.context import NodeContext
from node.api.idempotency import write_once
from node.api.principal import Principal, may
from node.api.schemas.access import (
    ApiKey,
    ApiKeys,
    CreateApiKey,
    KeyId,
    MadeApiKey,
    RotateApiKey,
    time_of,
)
from node.commands.keep_api_keys import (
    create_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from node.db import act_as
from node.permissions import Area

router = APIRouter(prefix="/v1/api-keys", tags=["access"])
Reader = Annotated[Principal, may(Area.ACCESS)]
Writer = Annotated[Principal, may(Area.ACCESS, write=True)]


@router.post("", status_code=201, response_model=MadeApiKey)
async def create(
    context: NodeContext, caller: Writer, request: Request, body: CreateApiKey
) -> JSONResponse:
    """Makes a key that has no more rights than the caller, and lives no longer.

    The answer holds a secret, so it is not stored for replay: a repeated request makes another.
    """

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        grant = body.to_grant(body.expires_at)
        row, key = await create_api_key(
            connection, caller.organisation_id, caller.grant, body.label, grant
        )
        return 201, MadeApiKey.with_key(row, key).to_json()

    return await write_once(context, caller, request, None, act)


@router.get("", response_model=ApiKeys)
async def list_own(context: NodeContext, caller: Reader) -> ApiKeys:
    """The organisation's keys that are in force, without themselves."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_api_keys(connection)
    return ApiKeys(items=[ApiKey.of(row) for row in rows])


@router.post("/{key_id}/rotate", status_code=201, response_model=MadeApiKey)
async def rotate(
    context: NodeContext, caller: Writer, request: Request, key_id: KeyId, body: RotateApiKey
) -> JSONResponse:
    """Makes a key in place of another. Both work for the overlap, then the new one alone.

    The answer holds a secret, so it is not stored for replay: a repeated request makes another.
    """

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        row, key = await rotate_api_key(
            connection,
            caller.organisation_id,
            caller.grant,
            key_id,
            body.overlap_seconds,
            time_of(body.expires_at),
        )
        return 201, MadeApiKey.with_key(row, key).to_json()

    return await write_once(context, caller, request, None, act)


@router.delete("/{key_id}", status_code=204)
async def revoke(context: NodeContext, caller: Writer, key_id: KeyId) -> Response:
    """Takes a key away at once. The last that can let others in stays."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        await revoke_api_key(connection, caller.organisation_id, key_id)
    return Response(status_code=204)
