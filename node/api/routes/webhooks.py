"""`/v1/webhooks`: have events sent to an address, signed as Standard Webhooks describes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.feed import parse_position
from node.api.context import NodeContext
from node.api.idempotency import write_once
from node.api.principal import Principal, may
from node.api.schemas.webhooks import (
    Redeliver,
    RegisteredWebhook,
    RegisterWebhook,
    Webhook,
    WebhookId,
    Webhooks,
)
from node.commands.keep_webhooks import (
    NewWebhook,
    delete_webhook,
    list_webhooks,
    redeliver,
    register_webhook,
)
from node.db import act_as
from node.event_names import require_event_names
from node.outgoing import TargetRefused
from node.permissions import Area
from node.problems import Problem

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Reader = Annotated[Principal, may(Area.WEBHOOKS)]
Writer = Annotated[Principal, may(Area.WEBHOOKS, write=True)]


@router.post("", status_code=201, response_model=RegisteredWebhook)
async def register(
    context: NodeContext, caller: Writer, request: Request, body: RegisterWebhook
) -> JSONResponse:
    """Sends events from now on to an https address, each at least once and in order.

    The answer holds a secret, so it is not stored for replay: a repeated request makes another.
    """
    asked = NewWebhook(body.url, require_event_names(body.names), body.include_unfinal)
    try:
        await context.targets.require(caller.organisation_id, asked.url)
    except TargetRefused as error:
        raise Problem.of("webhook-url-refused", str(error)).about("url") from error

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        row, secret = await register_webhook(
            connection, caller.organisation_id, asked, context.master_key
        )
        return 201, RegisteredWebhook.with_secret(row, secret).to_json()

    return await write_once(context, caller, request, None, act)


@router.get("", response_model=Webhooks)
async def list_own(context: NodeContext, caller: Reader) -> Webhooks:
    """The organisation's webhooks and how they fare, without their secrets."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_webhooks(connection)
    return Webhooks(items=[Webhook.of(row) for row in rows])


@router.post("/{webhook_id}/redeliver", response_model=Webhook)
async def set_back(
    context: NodeContext, caller: Writer, webhook_id: WebhookId, body: Redeliver
) -> Webhook:
    """Sends everything after a position again; a webhook that was disabled begins anew."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        row = await redeliver(connection, webhook_id, parse_position(body.after))
    return Webhook.of(row)


@router.delete("/{webhook_id}", status_code=204)
async def remove(context: NodeContext, caller: Writer, webhook_id: WebhookId) -> Response:
    """Sends nothing more and forgets the secret."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        await delete_webhook(connection, webhook_id)
    return Response(status_code=204)
