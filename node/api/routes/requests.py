"""`/v1/requests/by-token`: a learner answers a consent request by its link, without account."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from sqlalchemy import select

from indexer.queries.participants import find_participant
from node import tables
from node.api.context import Context, NodeContext, require_fresh
from node.api.schemas.consents import QueuedConsent
from node.api.schemas.requests import (
    AskedPurpose,
    AskingOrganisation,
    GrantedRequest,
    GrantRequest,
    RefusedRequest,
    RequestSeen,
)
from node.bearer_links import TOKEN_PATTERN
from node.commands.answer_requests import grant_by_link, refuse_by_link
from node.commands.find_requests import find_by_token
from node.db import query
from node.hosted_names import names_hosted
from node.kept_requests import KeptRequest
from protocol.assurance import Assurance, is_at_least
from protocol.consent_request import Asked, RequestState
from protocol.identifiers import organisation_id
from protocol.record import document_digest, document_to_json

router = APIRouter(prefix="/v1/requests", tags=["requests"])

RequestToken = Annotated[
    str,
    Header(
        alias="Request-Token",
        pattern=TOKEN_PATTERN,
        description="What stands behind the `#` of the link; in a header, so no log has it.",
    ),
]


@router.get("/by-token", response_model=RequestSeen)
async def show(context: NodeContext, token: RequestToken) -> RequestSeen:
    """What is asked, by whom, for how long: complete, so that the learner's own device composes and
    signs the records."""
    now = int(time.time())
    async with context.database.begin() as connection:
        kept = await find_by_token(connection, token, context.master_key)
        own = select(tables.organisations.c.did, tables.organisations.c.name)
        did, name = (await connection.execute(own)).one()
        participant = await query(connection, find_participant, kept.asked.issuer)
        recipients = [organisation_id(each) for each in kept.asked.purposes[0].recipients]
        names = await names_hosted(connection, recipients)
    asking = AskingOrganisation(
        organisation_id=kept.asked.issuer,
        did=did,
        name=name,
        admitted=participant is not None and not participant.suspended,
    )
    return _seen(context, kept, asking, [names.get(each) for each in recipients], now)


@router.post("/by-token/grant", status_code=202, response_model=GrantedRequest)
async def grant(context: NodeContext, token: RequestToken, body: GrantRequest) -> JSONResponse:
    """Grants the purposes that the records are for, and uses the link up. The same records sent
    again get the same answer; any others are a 409."""
    async with context.database.begin() as connection:
        freshness = await require_fresh(context, connection)
        kept, answer = await grant_by_link(
            connection,
            context.deployment,
            context.master_key,
            context.operator,
            context.memory,
            token,
            body.records,
            freshness,
        )
    granted = {place for place, _ in answer.leaves}
    purposes = enumerate(kept.asked.purposes)
    return JSONResponse(
        GrantedRequest(
            consents=[QueuedConsent(leaf=leaf, state="queued") for _, leaf in answer.leaves],
            refused=[purpose.name for place, purpose in purposes if place not in granted],
        ).to_json(),
        202,
    )


@router.post("/by-token/refuse", response_model=RefusedRequest)
async def refuse(context: NodeContext, token: RequestToken) -> RefusedRequest:
    """Grants nothing, and uses the link up. Refusing again changes nothing."""
    async with context.database.begin() as connection:
        await refuse_by_link(connection, context.master_key, token, int(time.time()))
    return RefusedRequest()


def _seen(
    context: Context,
    kept: KeptRequest,
    asking: AskingOrganisation,
    recipient_names: list[str | None],
    now: int,
) -> RequestSeen:
    asked, state = kept.asked, kept.state(now)
    least = asked.signed_minimum
    first = asked.purposes[0]
    return RequestSeen(
        state=state.value,
        asking=asking,
        expires_at=kept.expires_at,
        agreement_id=asked.agreement_id,
        valid_from=asked.valid_from,
        valid_until=asked.valid_until,
        minimum_assurance=least.value,
        guardian_signs=asked.guardian_signs,
        chain_id=context.deployment.chain_id,
        registry=context.consent_registry,
        operator_did=context.settings.operator_did,
        group_id=kept.group_id,
        notice=dict(first.notice),
        recipients=list(first.recipients),
        recipient_names=recipient_names,
        purposes=_purposes(asked) if state is RequestState.SENT else [],
    )


def _purposes(asked: Asked) -> list[AskedPurpose]:
    enough = [each for each in Assurance if is_at_least(each, asked.signed_minimum)]
    return [
        AskedPurpose(
            purpose=purpose.name,
            document=document_to_json(purpose.document(asked.signed_minimum)),
            digests={each.value: document_digest(purpose.document(each)) for each in enough},
        )
        for purpose in asked.purposes
    ]
