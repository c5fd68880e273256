"""Rules of the events of AgreementRegistry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from protocol import events, lifecycle
from protocol.agreement import AgreementState
from protocol.errors import AgreementMismatch, AlreadyProposed, StateInvalid
from protocol.events import Origin
from protocol.ledger_rules.rule import NO_POSTINGS, Postings, Rule
from protocol.ledger_state import Agreement, LedgerState
from protocol.signing import agreement_id_of
from protocol.types import AgreementId


def _propose(state: LedgerState, event: events.AgreementProposed, origin: Origin) -> Postings:
    deployment = state.deployment
    terms_id = agreement_id_of(event.terms, deployment.chain_id, deployment.agreement_registry)
    if terms_id != event.agreement_id or event.parent != event.terms.parent:
        raise AgreementMismatch(agreement_id=event.agreement_id, terms_id=terms_id)
    if event.agreement_id in state.agreements:
        raise AlreadyProposed(agreement_id=event.agreement_id)
    begun = lifecycle.propose(event.agreement_id, event.terms)
    history = ((origin.block_time, begun.state),)
    state.agreements[event.agreement_id] = Agreement(event.terms, begun, history)
    return NO_POSTINGS


def _sign(state: LedgerState, event: events.AgreementSigned, origin: Origin) -> Postings:
    before = agreement_in(state, event.agreement_id).lifecycle
    after = lifecycle.sign(before, event.organisation, origin.block_time)
    return _advance(state, after, origin)


def _activate(state: LedgerState, event: events.AgreementActivated, _: Origin) -> Postings:
    reached = agreement_in(state, event.agreement_id).lifecycle.state
    if reached is not AgreementState.ACTIVE:
        raise StateInvalid(agreement_id=event.agreement_id, state=reached)
    return NO_POSTINGS


def _suspend(state: LedgerState, event: events.AgreementSuspended, origin: Origin) -> Postings:
    before = agreement_in(state, event.agreement_id).lifecycle
    return _advance(state, lifecycle.suspend(before, event.organisation), origin)


def _resume(state: LedgerState, event: events.AgreementResumed, origin: Origin) -> Postings:
    before = agreement_in(state, event.agreement_id).lifecycle
    return _advance(state, lifecycle.resume(before, event.organisation), origin)


def _terminate(state: LedgerState, event: events.AgreementTerminated, origin: Origin) -> Postings:
    before = agreement_in(state, event.agreement_id).lifecycle
    return _advance(state, lifecycle.terminate(before, event.organisation), origin)


def agreement_in(state: LedgerState, agreement_id: AgreementId) -> Agreement:
    """The agreement with this id; raises StateInvalid if there is none."""
    if agreement_id not in state.agreements:
        raise StateInvalid(agreement_id=agreement_id, state=AgreementState.UNKNOWN)
    return state.agreements[agreement_id]


def _advance(state: LedgerState, after: lifecycle.Lifecycle, origin: Origin) -> Postings:
    agreement = state.agreements[after.agreement_id]
    history = agreement.history
    if after.state is not agreement.lifecycle.state:
        history = (*history, (origin.block_time, after.state))
    changed = replace(agreement, lifecycle=after, history=history)
    state.agreements[after.agreement_id] = changed
    return NO_POSTINGS


RULES: dict[type[Any], Rule] = {
    events.AgreementProposed: _propose,
    events.AgreementSigned: _sign,
    events.AgreementActivated: _activate,
    events.AgreementSuspended: _suspend,
    events.AgreementResumed: _resume,
    events.AgreementTerminated: _terminate,
}
"""From the type of an event to its rule."""
