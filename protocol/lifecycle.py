"""The acts of the parties of an agreement, as a state machine.

    propose ──> PROPOSED ──last signature──> ACTIVE <──last resume──┐
                   │                            │──suspend──> SUSPENDED
                   └───────terminate────────────┴──────────────┴──> TERMINATED (for ever)

Each party's suspension stands until that party takes it back, so several may be in force.
Every function returns a new lifecycle or raises the error of the contract.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.agreement import AgreementState, Terms, check_not_over
from protocol.errors import AlreadySigned, NotParty, NotSuspendedBy, StateInvalid
from protocol.types import AgreementId, OrganisationId, UnixSeconds


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where the acts of the parties have brought an agreement."""

    agreement_id: AgreementId
    parties: tuple[OrganisationId, ...]
    valid_from: UnixSeconds
    valid_until: UnixSeconds
    state: AgreementState
    signed_by: frozenset[OrganisationId] = frozenset()
    suspended_by: frozenset[OrganisationId] = frozenset()


def propose(agreement_id: AgreementId, terms: Terms) -> Lifecycle:
    """Begin the lifecycle of terms that `validate_terms` let pass."""
    return Lifecycle(
        agreement_id=agreement_id,
        parties=terms.parties,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        state=AgreementState.PROPOSED,
    )


def sign(lifecycle: Lifecycle, organisation: OrganisationId, block_time: UnixSeconds) -> Lifecycle:
    """Record a party's signature; the last one activates.

    Raises StateInvalid, ValidityInvalid, NotParty, AlreadySigned.
    """
    _require_state(lifecycle, AgreementState.PROPOSED)
    check_not_over(lifecycle.valid_from, lifecycle.valid_until, block_time)
    _require_party(lifecycle, organisation)
    if organisation in lifecycle.signed_by:
        raise AlreadySigned(agreement_id=lifecycle.agreement_id, organisation=organisation)
    signed_by = lifecycle.signed_by | {organisation}
    complete = len(signed_by) == len(lifecycle.parties)
    state = AgreementState.ACTIVE if complete else AgreementState.PROPOSED
    return replace(lifecycle, signed_by=signed_by, state=state)


def suspend(lifecycle: Lifecycle, organisation: OrganisationId) -> Lifecycle:
    """Suspend until the same party resumes; each party once. Raises NotParty, StateInvalid."""
    _require_party(lifecycle, organisation)
    if organisation in lifecycle.suspended_by:
        _require_state(lifecycle, AgreementState.ACTIVE)
    _require_state(lifecycle, AgreementState.ACTIVE, AgreementState.SUSPENDED)
    suspended_by = lifecycle.suspended_by | {organisation}
    return replace(lifecycle, suspended_by=suspended_by, state=AgreementState.SUSPENDED)


def resume(lifecycle: Lifecycle, organisation: OrganisationId) -> Lifecycle:
    """Take a party's suspension back; active again once none is in force.

    Raises NotParty, StateInvalid, NotSuspendedBy.
    """
    _require_party(lifecycle, organisation)
    _require_state(lifecycle, AgreementState.SUSPENDED)
    if organisation not in lifecycle.suspended_by:
        raise NotSuspendedBy(agreement_id=lifecycle.agreement_id, organisation=organisation)
    suspended_by = lifecycle.suspended_by - {organisation}
    state = AgreementState.SUSPENDED if suspended_by else AgreementState.ACTIVE
    return replace(lifecycle, suspended_by=suspended_by, state=state)


def terminate(lifecycle: Lifecycle, organisation: OrganisationId) -> Lifecycle:
    """End the agreement for ever. Raises NotParty, StateInvalid."""
    _require_party(lifecycle, organisation)
    _require_state(
        lifecycle, AgreementState.PROPOSED, AgreementState.ACTIVE, AgreementState.SUSPENDED
    )
    return replace(lifecycle, state=AgreementState.TERMINATED)


def _require_party(lifecycle: Lifecycle, organisation: OrganisationId) -> None:
    if organisation not in lifecycle.parties:
        raise NotParty(agreement_id=lifecycle.agreement_id, organisation=organisation)


def _require_state(lifecycle: Lifecycle, *allowed: AgreementState) -> None:
    if lifecycle.state not in allowed:
        raise StateInvalid(agreement_id=lifecycle.agreement_id, state=lifecycle.state)
