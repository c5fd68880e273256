"""Rules of the events of ParticipantRegistry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from protocol import events
from protocol.errors import (
    AccountTaken,
    AccountUnknown,
    AlreadyAdmitted,
    NoRecovery,
    NotAdmitted,
)
from protocol.events import Origin
from protocol.identifiers import organisation_id
from protocol.ledger_rules.rule import NO_POSTINGS, Postings, Rule, contradiction, nothing
from protocol.ledger_state import (
    Account,
    Delegation,
    LedgerState,
    Participant,
    Recovery,
)
from protocol.types import OrganisationId


def _admit(state: LedgerState, event: events.ParticipantAdmitted, origin: Origin) -> Postings:
    if organisation_id(event.did) != event.organisation:
        raise contradiction(origin, f"{event.did} has another id")
    if event.organisation in state.participants:
        raise AlreadyAdmitted(organisation=event.organisation)
    state.participants[event.organisation] = Participant(
        event.did, event.roles, event.college, admitted_at=origin.block_time
    )
    return NO_POSTINGS


def _classify(state: LedgerState, event: events.ParticipantClassified, _: Origin) -> Postings:
    return _change_participant(state, event.organisation, roles=event.roles, college=event.college)


def _describe(state: LedgerState, event: events.ParticipantDescribed, _: Origin) -> Postings:
    return _change_participant(
        state,
        event.organisation,
        service_address=event.service_address,
        did_document_hash=event.did_document_hash,
    )


def _suspend_participant(
    state: LedgerState, event: events.ParticipantSuspended, _: Origin
) -> Postings:
    return _change_participant(state, event.organisation, suspended=True)


def _reinstate(state: LedgerState, event: events.ParticipantReinstated, _: Origin) -> Postings:
    return _change_participant(state, event.organisation, suspended=False)


def _change_participant(
    state: LedgerState, organisation: OrganisationId, **changes: Any
) -> Postings:
    if organisation not in state.participants:
        raise NotAdmitted(organisation=organisation)
    state.participants[organisation] = replace(state.participants[organisation], **changes)
    return NO_POSTINGS


def _bind(state: LedgerState, event: events.AccountBound, origin: Origin) -> Postings:
    if event.account in state.accounts:
        taken = state.accounts[event.account].organisation
        raise AccountTaken(account=event.account, organisation=taken)
    state.accounts[event.account] = Account(
        event.organisation, event.scopes, event.expires_at, bound_at=origin.block_time
    )
    announced = state.recoveries.get(event.organisation)
    if announced is not None and announced.account == event.account:
        del state.recoveries[event.organisation]
    return NO_POSTINGS


def _retire(state: LedgerState, event: events.AccountRetired, origin: Origin) -> Postings:
    account = state.accounts.get(event.account)
    if account is None:
        raise AccountUnknown(account=event.account)
    state.accounts[event.account] = replace(account, retired_at=origin.block_time)
    return NO_POSTINGS


def _delegate(state: LedgerState, event: events.OperatorDelegated, _: Origin) -> Postings:
    key = (event.organisation, event.operator)
    state.delegations[key] = Delegation(event.scopes, event.expires_at)
    return NO_POSTINGS


def _announce_recovery(state: LedgerState, event: events.RecoveryAnnounced, _: Origin) -> Postings:
    if event.organisation not in state.participants:
        raise NotAdmitted(organisation=event.organisation)
    state.recoveries[event.organisation] = Recovery(event.account, event.executable_at)
    return NO_POSTINGS


def _cancel_recovery(state: LedgerState, event: events.RecoveryCancelled, _: Origin) -> Postings:
    if state.recoveries.pop(event.organisation, None) is None:
        raise NoRecovery(organisation=event.organisation)
    return NO_POSTINGS


def _appoint(state: LedgerState, event: events.GuardianAppointed, _: Origin) -> Postings:
    state.guardian = event.guardian
    return NO_POSTINGS


def _stop(state: LedgerState, event: events.Stopped, _: Origin) -> Postings:
    state.stopped_until = event.until
    return NO_POSTINGS


def _end_stop(state: LedgerState, _: events.StopEnded, origin: Origin) -> Postings:
    state.stopped_until = origin.block_time
    return NO_POSTINGS


RULES: dict[type[Any], Rule] = {
    events.ParticipantAdmitted: _admit,
    events.ParticipantClassified: _classify,
    events.ParticipantDescribed: _describe,
    events.ParticipantSuspended: _suspend_participant,
    events.ParticipantReinstated: _reinstate,
    events.AccountBound: _bind,
    events.AccountRetired: _retire,
    events.OperatorDelegated: _delegate,
    events.RecoveryAnnounced: _announce_recovery,
    events.RecoveryCancelled: _cancel_recovery,
    events.GuardianAppointed: _appoint,
    events.Stopped: _stop,
    events.StopEnded: _end_stop,
    events.AuthorityUpdated: nothing,
}
"""From the type of an event to its rule."""
