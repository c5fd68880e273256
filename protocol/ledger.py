"""The ledger: one fold of the chain's events, and what can be asked of it.

    apply(state, event, origin) -> state          one event; the old state stays as it is
    fold(state, [(event, origin), ...]) -> state  many; the same, without a copy for each

The fold trusts nothing: the chain's order, the log's gapless indices, the roots, the states of
agreements, the split of every settlement and the balance of every account are computed again,
and an event that contradicts them raises LedgerViolation.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocol.agreement import AgreementFacts, ProposalContext
from protocol.consent import ConsentFacts, Endings
from protocol.entries import Entry, leaf_of
from protocol.errors import LedgerViolation, ProtocolError, UnknownCategory
from protocol.events import Event, Origin
from protocol.ledger_rules import RULES
from protocol.ledger_rules.money import rate_in
from protocol.ledger_state import (
    Deployment,
    Leaving,
    LedgerState,
    Participant,
    copy_state,
)
from protocol.periods import period_of
from protocol.postings import (
    COMMISSION,
    ISSUED,
    TRANSIT,
    TREASURY,
    LedgerAccount,
    Posting,
    balance_of,
    deposit_of,
)
from protocol.types import (
    AccountAddress,
    AgreementId,
    AmountMinor,
    Category,
    OrganisationId,
    Period,
    RateBps,
    Units,
    UnixSeconds,
)


def new_ledger(deployment: Deployment) -> LedgerState:
    """The ledger before the first event."""
    return LedgerState(deployment)


def apply(state: LedgerState, event: Event, origin: Origin) -> LedgerState:
    """The ledger after one more event. Raises LedgerViolation where it contradicts the rules."""
    return fold(state, [(event, origin)])


def fold(state: LedgerState, events: Iterable[tuple[Event, Origin]]) -> LedgerState:
    """The ledger after more events, in the chain's order. Raises LedgerViolation."""
    draft = copy_state(state)
    for event, origin in events:
        _enter(draft, event, origin)
    return draft


def close(state: LedgerState) -> LedgerState:
    """The same ledger, checked as after a whole transaction: no account is overdrawn.

    The fold checks this itself whenever the next transaction begins.
    """
    if state.last is not None:
        _check_no_overdraft(state, state.last)
    return state


# What can be asked


def consent_facts(state: LedgerState, entry: Entry) -> ConsentFacts:
    """What the chain says of a consent, in the namespaces that its entry names."""
    leaf = leaf_of(entry)
    position = state.leaves.get((entry.issuer, leaf))
    registry = state.deployment.consent_registry
    return ConsentFacts(
        anchored_at=position.anchored_at if position else None,
        endings=Endings(
            withdrawn_at=state.endings.get((entry.holder, leaf)),
            revoked_at=state.endings.get((entry.issuer, leaf)),
            invalidated_at=state.endings.get((registry, leaf)),
        ),
    )


def agreement_facts(state: LedgerState, agreement_id: AgreementId) -> AgreementFacts | None:
    """What the chain says of an agreement; None if it was never proposed."""
    agreement = state.agreements.get(agreement_id)
    if agreement is None:
        return None
    terms = agreement.terms
    return AgreementFacts(terms.parties, terms.valid_from, terms.valid_until, agreement.history)


def rate_of(state: LedgerState, category: Category, period: Period) -> RateBps:
    """The commission's rate of a category in a period. Raises UnknownCategory."""
    rate = rate_in(state, category, period)
    if rate is None:
        raise UnknownCategory(category=category, period=period)
    return rate


def participant_of(state: LedgerState, organisation: OrganisationId) -> Participant | None:
    """The organisation with this id; None if it was never admitted."""
    return state.participants.get(organisation)


def speaks_for(
    state: LedgerState,
    account: AccountAddress,
    organisation: OrganisationId,
    scope: int,
    time: UnixSeconds,
) -> bool:
    """Whether the account may do for the organisation what must never be blocked."""
    bound = state.accounts.get(account)
    if bound is None or not bound.scopes & scope:
        return False
    if bound.retired_at is not None or time >= bound.expires_at:
        return False
    if bound.organisation == organisation:
        return True
    delegation = state.delegations.get((organisation, bound.organisation))
    return delegation is not None and bool(
        delegation.scopes & scope and time < delegation.expires_at
    )


def settled_units(
    state: LedgerState, agreement_id: AgreementId, consumer: OrganisationId, period: Period
) -> Units:
    """The units of a period that are settled already."""
    return state.settled.get((agreement_id, consumer, period), Units(0))


def leaving_of(
    state: LedgerState, agreement_id: AgreementId, consumer: OrganisationId
) -> Leaving | None:
    """A consumer's standing request to leave; None if there is none."""
    return state.leavings.get((agreement_id, consumer))


def deposit(state: LedgerState, agreement_id: AgreementId, consumer: OrganisationId) -> AmountMinor:
    """What a consumer has under one agreement, in base units."""
    return money_in(state, deposit_of(agreement_id, consumer))


def balance(state: LedgerState, organisation: OrganisationId) -> AmountMinor:
    """What an organisation can claim, in base units."""
    return money_in(state, balance_of(organisation))


def commission_owed(state: LedgerState) -> AmountMinor:
    """The commissions collected and not paid out, in base units."""
    return money_in(state, COMMISSION)


def treasury(state: LedgerState) -> AmountMinor:
    """What the treasury holds, in base units."""
    return money_in(state, TREASURY)


def supply(state: LedgerState) -> AmountMinor:
    """The tokens in existence, in base units."""
    return AmountMinor(-money_in(state, ISSUED))


def money_in(state: LedgerState, account: LedgerAccount) -> AmountMinor:
    """What an account holds, in base units; `issued` holds minus the supply."""
    return state.money.get(account, AmountMinor(0))


def proposal_context(state: LedgerState, block_time: UnixSeconds) -> ProposalContext:
    """What `agreement.validate_terms` asks of the chain at a time."""
    period = period_of(block_time)
    return ProposalContext(
        block_time=block_time,
        admitted={key for key, member in state.participants.items() if not member.suspended},
        categories={c for c in state.rates if rate_in(state, c, period) is not None},
        proposed=state.agreements.keys(),
        ever_active={
            key: agreement.terms.parties
            for key, agreement in state.agreements.items()
            if len(agreement.lifecycle.signed_by) == len(agreement.terms.parties)
        },
    )


# How an event is entered


def _enter(state: LedgerState, event: Event, origin: Origin) -> None:
    _check_order(state, origin)
    try:
        postings = RULES[type(event)](state, event, origin)
    except LedgerViolation:
        raise
    except ProtocolError as error:
        raise _violation(origin, f"{type(event).__name__}: {error}") from error
    for posting in postings:
        _post(state, posting, origin)
    if postings:
        _check_conservation(state, origin)
    state.last = origin


def _post(state: LedgerState, posting: Posting, origin: Origin) -> None:
    left = money_in(state, posting.source) - posting.amount_minor
    if left < 0 and posting.source not in (ISSUED, TRANSIT):
        raise _violation(origin, f"{posting.source} is overdrawn by {-left}")
    state.money[posting.source] = AmountMinor(left)
    state.money[posting.target] = AmountMinor(
        money_in(state, posting.target) + posting.amount_minor
    )
    state.journal.append((origin, posting))


def _check_order(state: LedgerState, origin: Origin) -> None:
    last = state.last
    if last is None:
        return
    if (origin.block_number, origin.log_index) <= (last.block_number, last.log_index):
        raise _violation(origin, f"it does not follow block {last.block_number}")
    if origin.block_time < last.block_time:
        raise _violation(origin, "its block is earlier than the one before")
    if origin.transaction_hash != last.transaction_hash:
        _check_no_overdraft(state, last)


def _check_conservation(state: LedgerState, origin: Origin) -> None:
    """Supply = holdings + deposits + balances + commission + treasury + transit."""
    if sum(state.money.values()) != 0:
        raise _violation(origin, "the accounts do not add up to the supply")


def _check_no_overdraft(state: LedgerState, origin: Origin) -> None:
    if money_in(state, TRANSIT) < 0:
        raise _violation(origin, "the settlement contract paid more than it held")


def _violation(origin: Origin, reason: str) -> LedgerViolation:
    return LedgerViolation(
        block_number=origin.block_number, log_index=origin.log_index, reason=reason
    )
