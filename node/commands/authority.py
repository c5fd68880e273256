"""Whether the node's operator may act on chain for an organisation: asked before a promise is made,
so that no act is promised which the contract would refuse for want of a delegation."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import ParticipantRow, find_participant
from node.db import query
from node.problems import Problem, refused
from protocol.errors import NotAdmitted, OrganisationSuspended
from protocol.errors.numbers_in_words import scopes_in_words
from protocol.types import OrganisationId, Role, Scope, to_hex


async def require_operator_may(
    connection: AsyncConnection,
    operator: OrganisationId,
    organisation: OrganisationId,
    scope: Scope,
    now: int,
) -> None:
    """Raises a problem unless the operator is the organisation or its delegate for the scope."""
    participant = await query(connection, find_participant, organisation)
    require_speaks_for(operator, organisation, participant, scope, now)


async def require_operator_speaks(
    connection: AsyncConnection,
    operator: OrganisationId,
    organisation: OrganisationId,
    scope: Scope,
    now: int,
) -> None:
    """The same for what a suspended organisation may do, too."""
    participant = await query(connection, find_participant, organisation)
    if participant is None:
        raise refused(NotAdmitted(organisation=organisation))
    _require_delegated(operator, participant, scope, now)


def require_speaks_for(
    operator: OrganisationId,
    organisation: OrganisationId,
    participant: ParticipantRow | None,
    scope: Scope,
    now: int,
) -> None:
    """The same, of what is known of the organisation."""
    if participant is None:
        raise refused(NotAdmitted(organisation=organisation))
    if participant.suspended:
        raise refused(OrganisationSuspended(organisation=organisation))
    _require_delegated(operator, participant, scope, now)


def speaks_for(
    operator: OrganisationId, participant: ParticipantRow, scope: Scope, now: int
) -> bool:
    """Whether the operator is the organisation or, at this time, its delegate for the scope."""
    return operator == participant.organisation or any(
        given.operator == operator and scope in given.scopes and now < given.expires_at
        for given in participant.delegations
    )


def may_confirm(operator: ParticipantRow, recipient: ParticipantRow, now: int) -> bool:
    """Whether the operator may say what became of a recipient's records: it is the recipient, acts
    for it on chain, or runs the node that the recipient's own word on chain names."""
    if operator.organisation == recipient.organisation:
        return True
    acts_for = any(
        given.operator == operator.organisation and given.scopes and now < given.expires_at
        for given in recipient.delegations
    )
    names_its_node = (
        Role.OPERATOR in operator.roles
        and bool(recipient.service_address)
        and operator.service_address == recipient.service_address
    )
    return not operator.suspended and (acts_for or names_its_node)


def _require_delegated(
    operator: OrganisationId, participant: ParticipantRow, scope: Scope, now: int
) -> None:
    if speaks_for(operator, participant, scope, now):
        return
    named = scopes_in_words(scope)
    raise Problem.of(
        "operator-not-delegated",
        f"{to_hex(participant.organisation)} has not delegated {named} to {to_hex(operator)}.",
        "Let an account with the scope manage call ParticipantRegistry.delegate, then try again.",
    )
