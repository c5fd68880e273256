"""Whether the node's operator may act on chain for an organisation: asked before a promise is made,
so that no act is promised which the contract would refuse for want of a delegation."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_participant
from node.db import query
from node.problems import Problem, refused
from protocol.errors import NotAdmitted, OrganisationSuspended
from protocol.types import OrganisationId, Scope, to_hex


async def require_operator_may(
    connection: AsyncConnection,
    operator: OrganisationId,
    organisation: OrganisationId,
    scope: Scope,
    now: int,
) -> None:
    """Raises a problem unless the operator is the organisation or its delegate for the scope."""
    participant = await query(connection, find_participant, organisation)
    if participant is None:
        raise refused(NotAdmitted(organisation=organisation))
    if participant.suspended:
        raise refused(OrganisationSuspended(organisation=organisation))
    if organisation == operator:
        return
    for given in participant.delegations:
        if given.operator == operator and scope in given.scopes and now < given.expires_at:
            return
    raise Problem.of(
        "operator-not-delegated",
        f"{to_hex(organisation)} has not delegated {scope.name} to {to_hex(operator)}.",
        "Let an account with the scope manage call ParticipantRegistry.delegate, then try again.",
    )
