"""What each event does to the ledger, and what must have been true before it.

One function an event, in the order of the contracts. A rule writes to the draft that `ledger`
hands it and returns the postings, which `ledger` enters. A contradiction raises LedgerViolation
or the contract's own error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from protocol import events, lifecycle
from protocol.agreement import AgreementState
from protocol.commission import HARD_CAP_BPS, settle
from protocol.errors import (
    AccountTaken,
    AccountUnknown,
    AgreementMismatch,
    AlreadyAdmitted,
    AlreadyAnchored,
    AlreadyProposed,
    ConsumerIsPayee,
    ConsumerNotParty,
    LeavingNotDue,
    LedgerViolation,
    NoRecovery,
    NotAdmitted,
    PeriodNotAscending,
    PeriodNotBegun,
    RateAboveCap,
    StateInvalid,
    UnknownCategory,
)
from protocol.events import Origin
from protocol.identifiers import organisation_id
from protocol.ledger_state import (
    Account,
    Agreement,
    Anchor,
    Delegation,
    LeafPosition,
    Leaving,
    LedgerState,
    Participant,
    Recovery,
)
from protocol.merkle import root_of
from protocol.periods import period_start
from protocol.postings import (
    Posting,
    deposit_of,
    postings_of_payment,
    postings_of_transfer,
    postings_of_usage,
)
from protocol.signing import agreement_id_of
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    OrganisationId,
    Period,
    RateBps,
    Units,
    UnixSeconds,
)

Postings = tuple[Posting, ...]

NO_POSTINGS: Postings = ()


def rate_in(state: LedgerState, category: Category, period: Period) -> RateBps | None:
    """The rate of a category in a period; None if there is none."""
    begun = [rate for start, rate in state.rates.get(category, ()) if start <= period]
    return begun[-1] if begun else None


# Participants


def _admit(state: LedgerState, event: events.ParticipantAdmitted, origin: Origin) -> Postings:
    if organisation_id(event.did) != event.organisation:
        raise _contradiction(origin, f"{event.did} has another id")
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


# Agreements


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
    before = _agreement(state, event.agreement_id).lifecycle
    after = lifecycle.sign(before, event.organisation, origin.block_time)
    return _advance(state, after, origin)


def _activate(state: LedgerState, event: events.AgreementActivated, _: Origin) -> Postings:
    reached = _agreement(state, event.agreement_id).lifecycle.state
    if reached is not AgreementState.ACTIVE:
        raise StateInvalid(agreement_id=event.agreement_id, state=reached)
    return NO_POSTINGS


def _suspend(state: LedgerState, event: events.AgreementSuspended, origin: Origin) -> Postings:
    before = _agreement(state, event.agreement_id).lifecycle
    return _advance(state, lifecycle.suspend(before, event.organisation), origin)


def _resume(state: LedgerState, event: events.AgreementResumed, origin: Origin) -> Postings:
    before = _agreement(state, event.agreement_id).lifecycle
    return _advance(state, lifecycle.resume(before, event.organisation), origin)


def _terminate(state: LedgerState, event: events.AgreementTerminated, origin: Origin) -> Postings:
    before = _agreement(state, event.agreement_id).lifecycle
    return _advance(state, lifecycle.terminate(before, event.organisation), origin)


def _agreement(state: LedgerState, agreement_id: AgreementId) -> Agreement:
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


# Consents


def _anchor(state: LedgerState, event: events.LeavesAnchored, origin: Origin) -> Postings:
    key = (event.issuer, event.root)
    if key in state.anchors:
        raise AlreadyAnchored(issuer=event.issuer, root=event.root)
    if event.first_index != state.log_size:
        raise _contradiction(origin, f"index {state.log_size} is missing from the log")
    if not event.leaves or root_of(event.leaves) != event.root:
        raise _contradiction(origin, "the leaves have another root")
    size = len(event.leaves)
    state.anchors[key] = Anchor(origin.block_time, size, event.first_index, origin)
    state.log_size += size
    for index, leaf in enumerate(event.leaves):
        position = LeafPosition(event.root, index, origin.block_time)
        state.leaves.setdefault((event.issuer, leaf), position)
    return NO_POSTINGS


def _end(state: LedgerState, event: events.ConsentEnded, origin: Origin) -> Postings:
    key = (event.who, event.leaf)
    if key in state.endings:
        raise _contradiction(origin, "this leaf was ended in this namespace before")
    state.endings[key] = origin.block_time
    return NO_POSTINGS


# Money


def _set_rate(state: LedgerState, event: events.RateSet, _: Origin) -> Postings:
    known = state.rates.get(event.category, ())
    if event.rate_bps > HARD_CAP_BPS:
        raise RateAboveCap(rate_bps=event.rate_bps, cap_bps=HARD_CAP_BPS)
    if known and event.from_period == known[-1][0]:
        known = known[:-1]
    elif known and event.from_period < known[-1][0]:
        raise PeriodNotAscending(
            category=event.category, from_period=event.from_period, latest=known[-1][0]
        )
    state.rates[event.category] = (*known, (event.from_period, event.rate_bps))
    return NO_POSTINGS


def _transfer(state: LedgerState, event: events.Transfer, _: Origin) -> Postings:
    deployment = state.deployment
    return postings_of_transfer(event, deployment.usage_settlement, deployment.commons_treasury)


def _pay(
    _state: LedgerState,
    event: events.Deposited | events.BalanceClaimed | events.CommissionPaidOut,
    _: Origin,
) -> Postings:
    return postings_of_payment(event)


def _request_leaving(state: LedgerState, event: events.LeavingRequested, _: Origin) -> Postings:
    key = (event.agreement_id, event.consumer)
    state.leavings[key] = Leaving(event.amount, event.executable_at)
    return NO_POSTINGS


def _leave(state: LedgerState, event: events.Left, origin: Origin) -> Postings:
    leaving = state.leavings.pop((event.agreement_id, event.consumer), None)
    if leaving is None or origin.block_time < leaving.executable_at:
        due = leaving.executable_at if leaving else UnixSeconds(0)
        raise LeavingNotDue(executable_at=due, block_time=origin.block_time)
    left = state.money.get(deposit_of(event.agreement_id, event.consumer), AmountMinor(0))
    if event.amount != min(leaving.amount, left):
        raise _contradiction(origin, f"of a deposit of {left}, {event.amount} was paid")
    return postings_of_payment(event)


def _settle(state: LedgerState, event: events.UsageSettled, origin: Origin) -> Postings:
    agreement = _agreement(state, event.agreement_id)
    terms = agreement.terms
    _check_settlement(event, agreement, origin)
    key = (event.agreement_id, event.consumer, event.period)
    settled = state.settled.get(key, Units(0))
    if event.from_units != settled:
        raise _contradiction(origin, f"{settled} units were settled, not {event.from_units}")
    rates = [_rate(state, line.category, event.period) for line in terms.lines]
    amounts = settle(terms.lines, rates, event.from_units, event.to_units)
    if tuple(amounts) != event.amounts:
        raise _contradiction(origin, "the amounts are not those of the terms and rates")
    state.settled[key] = event.to_units
    return postings_of_usage(event, terms.lines)


def _check_settlement(event: events.UsageSettled, agreement: Agreement, origin: Origin) -> None:
    terms = agreement.terms
    if len(agreement.lifecycle.signed_by) != len(terms.parties):
        state = agreement.lifecycle.state
        raise StateInvalid(agreement_id=event.agreement_id, state=state)
    if event.consumer not in terms.parties:
        raise ConsumerNotParty(agreement_id=event.agreement_id, organisation=event.consumer)
    if any(line.payee == event.consumer for line in terms.lines):
        raise ConsumerIsPayee(consumer=event.consumer)
    if origin.block_time < period_start(event.period):
        raise PeriodNotBegun(period=event.period, starts_at=period_start(event.period))


def _rate(state: LedgerState, category: Category, period: Period) -> RateBps:
    rate = rate_in(state, category, period)
    if rate is None:
        raise UnknownCategory(category=category, period=period)
    return rate


def _nothing(_state: LedgerState, _event: object, _: Origin) -> Postings:
    """For events that say why something happened which another event has told already."""
    return NO_POSTINGS


def _contradiction(origin: Origin, reason: str) -> LedgerViolation:
    return LedgerViolation(
        block_number=origin.block_number, log_index=origin.log_index, reason=reason
    )


RULES: dict[type[Any], Callable[[LedgerState, Any, Origin], Postings]] = {
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
    events.AgreementProposed: _propose,
    events.AgreementSigned: _sign,
    events.AgreementActivated: _activate,
    events.AgreementSuspended: _suspend,
    events.AgreementResumed: _resume,
    events.AgreementTerminated: _terminate,
    events.LeavesAnchored: _anchor,
    events.ConsentEnded: _end,
    events.WithdrawalRefused: _nothing,
    events.RateSet: _set_rate,
    events.Transfer: _transfer,
    events.Issued: _nothing,
    events.Redeemed: _nothing,
    events.Deposited: _pay,
    events.LeavingRequested: _request_leaving,
    events.Left: _leave,
    events.UsageSettled: _settle,
    events.VoucherSkipped: _nothing,
    events.BalanceClaimed: _pay,
    events.CommissionPaidOut: _pay,
    events.Granted: _nothing,
}
"""From the type of an event to its rule."""
