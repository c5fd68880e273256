"""Rights requests: an organisation answers them in time; who has lost every key can make one."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request

from node.api.context import NodeContext
from node.api.principal import Principal, may
from node.api.rate_limits import NETWORK
from node.api.schemas.base import Address
from node.api.schemas.rights_requests import (
    AnswerRights,
    AskOrganisation,
    ReferencedRequest,
    RightsRequestId,
    RightsRequestSeen,
    RightsRequestShown,
    RightsRequestsShown,
    StateName,
)
from node.bearer_links import TOKEN_PATTERN
from node.commands.keep_rights_requests import (
    NewRightsRequest,
    answer_rights_request,
    ask_organisation,
    find_by_reference,
    list_own,
)
from node.db import act_as
from node.kept_rights_requests import RightsKind, RightsState
from node.permissions import Area

router = APIRouter(prefix="/v1", tags=["rights requests"])
Reader = Annotated[Principal, may(Area.CONSENTS)]
Writer = Annotated[Principal, may(Area.CONSENTS, write=True)]

ReferenceToken = Annotated[
    str,
    Header(
        alias="Reference-Token",
        pattern=TOKEN_PATTERN,
        description="What the request answered when it was made; in a header, so no log has it.",
    ),
]


@router.post(
    "/organisations/{organisation_id}/rights-requests",
    status_code=201,
    response_model=ReferencedRequest,
)
async def ask(
    context: NodeContext, request: Request, organisation_id: Address, body: AskOrganisation
) -> ReferencedRequest:
    """Asks an organisation that this node hosts, without account or key. The token that is answered
    shows state and deadline; the node keeps only its hash."""
    now = int(time.time())
    asked = NewRightsRequest(RightsKind(body.kind), body.message, body.contact)
    network = request.scope.get(NETWORK, "")
    async with context.database.begin() as connection:
        kept, token = await ask_organisation(
            connection, context.master_key, organisation_id, network, asked, now
        )
    return ReferencedRequest(token=token, request=RightsRequestSeen.of(kept, now))


@router.get("/rights-requests/by-token", response_model=RightsRequestSeen)
async def show(context: NodeContext, token: ReferenceToken) -> RightsRequestSeen:
    """State and deadline of a request that was made without a key."""
    async with context.database.begin() as connection:
        request = await find_by_reference(connection, context.master_key, token)
    return RightsRequestSeen.of(request, int(time.time()))


@router.get("/rights-requests", response_model=RightsRequestsShown)
async def list_all(
    context: NodeContext,
    caller: Reader,
    state: StateName | None = None,
    after: RightsRequestId | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> RightsRequestsShown:
    """What persons ask of the organisation, in the order in which it is due."""
    wanted = None if state is None else RightsState(state)
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        rows = await list_own(connection, context.master_key, limit + 1, wanted, after)
    now = int(time.time())
    shown = rows[:limit]
    return RightsRequestsShown(
        items=[RightsRequestShown.of(row, now) for row in shown],
        next=shown[-1].rights_request_id if len(rows) > limit else None,
    )


@router.post("/rights-requests/{rights_request_id}/answer", response_model=RightsRequestShown)
async def answer(
    context: NodeContext, caller: Writer, rights_request_id: RightsRequestId, body: AnswerRights
) -> RightsRequestShown:
    """Records that the organisation has done what was asked, refuses it, or needs two months more;
    the person sees it at once. What is done is done elsewhere: a record is erased by
    /v1/consents."""
    now = int(time.time())
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        request = await answer_rights_request(
            connection, context.master_key, rights_request_id, body.decision, body.reason, now
        )
    return RightsRequestShown.of(request, now)
