"""The fold of the chain's events: what it knows, that money is conserved, what it refuses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ledger
from protocol.agreement import AgreementState, AgreementStatus, status_at, validate_terms
from protocol.entries import Entry, leaf_of
from protocol.errors import LedgerViolation, PeriodOutsideValidity, UnknownCategory
from protocol.events import (
    AccountBound,
    AccountRetired,
    AgreementActivated,
    AgreementProposed,
    AgreementResumed,
    AgreementSigned,
    AgreementSuspended,
    AgreementTerminated,
    BalanceClaimed,
    ConsentEnded,
    Event,
    LeavesAnchored,
    LeavingRequested,
    Left,
    Origin,
    ParticipantAdmitted,
    ParticipantSuspended,
    RateSet,
    Transfer,
    UsageSettled,
)
from protocol.hashing import sha256
from protocol.merkle import leaf_hash, root_of
from protocol.periods import period_of
from protocol.postings import COMMISSION, ISSUED, TRANSIT, TREASURY, balance_of, deposit_of
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    HolderAddress,
    OrganisationId,
    Period,
    RateBps,
    Root,
    Units,
    UnixSeconds,
)
from tests.protocol.ledger_story import (
    AGREEMENT,
    BEGIN,
    CONSUMER_ACCOUNT,
    CONSUMER_HOLDING,
    DEPLOYMENT,
    EMPLOYER,
    NOBODY,
    PAYEE_ACCOUNT,
    PAYEE_HOLDING,
    PERIOD,
    REFERENCE,
    SCHOOL,
    SETTLEMENT,
    TERMS,
    Story,
)

acts = st.lists(
    st.tuples(
        st.sampled_from(
            ["issue", "deposit", "settle", "claim", "pay_out_commission", "leave", "redeem"]
        ),
        st.integers(1, 5_000),
    ),
    max_size=15,
)


def play(steps: list[tuple[str, int]]) -> Story:
    story = Story().begin()
    for name, amount in steps:
        held = story.state.money.get(CONSUMER_HOLDING, 0)
        if name == "pay_out_commission":
            story.pay_out_commission()
        elif name != "deposit" or amount <= held:
            getattr(story, name)(amount)
    return story


@settings(max_examples=60)
@given(acts)
def test_money_is_conserved(steps: list[tuple[str, int]]) -> None:
    state = ledger.close(play(steps).state)
    kept = {account: amount for account, amount in state.money.items() if account != ISSUED}
    assert all(amount >= 0 for amount in kept.values())
    assert sum(kept.values()) == ledger.supply(state)
    assert state.money.get(TRANSIT, 0) == 0
    by_account: dict[str, int] = {}
    for _, posting in state.journal:
        assert posting.amount_minor > 0
        by_account[posting.source] = by_account.get(posting.source, 0) - posting.amount_minor
        by_account[posting.target] = by_account.get(posting.target, 0) + posting.amount_minor
    assert by_account == dict(state.money)


@settings(max_examples=20)
@given(acts, st.integers(0, 40))
def test_folding_in_parts_gives_the_same(steps: list[tuple[str, int]], cut: int) -> None:
    events = play(steps).events
    whole = ledger.fold(ledger.new_ledger(DEPLOYMENT), events)
    part = ledger.fold(ledger.new_ledger(DEPLOYMENT), events[:cut])
    before = deepcopy(part)
    rest = part
    for event, origin in events[cut:]:
        rest = ledger.apply(rest, event, origin)
    assert rest == whole
    assert part == before


def test_a_settlement_moves_net_and_commission() -> None:
    story = Story().begin()
    story.issue(100_000)
    story.deposit(90_000)
    assert story.settle(110)
    gross, share = 100 * 333 + 110 * 7, 100 * 333 * 250 // 10_000 + 110 * 7 * 999 // 10_000
    assert ledger.deposit(story.state, AGREEMENT, EMPLOYER) == 90_000 - gross
    assert ledger.balance(story.state, SCHOOL) == gross - share
    assert ledger.commission_owed(story.state) == share
    assert ledger.settled_units(story.state, AGREEMENT, EMPLOYER, PERIOD) == 110
    posted = [posting for _, posting in story.state.journal if posting.period == PERIOD]
    assert {posting.source for posting in posted} == {deposit_of(AGREEMENT, EMPLOYER)}
    assert {posting.target for posting in posted} == {balance_of(SCHOOL), COMMISSION}
    story.pay_out_commission()
    story.claim(10**9)
    story.leave(10**9)
    assert story.state.money[TREASURY] == ledger.treasury(story.state) == share
    assert story.state.money[PAYEE_HOLDING] == gross - share
    assert story.state.money[CONSUMER_HOLDING] == 100_000 - gross
    assert ledger.leaving_of(story.state, AGREEMENT, EMPLOYER) is None
    story.redeem(10**9)
    assert ledger.supply(story.state) == 100_000 - gross + share


def test_tokens_sent_by_mistake_stay_in_transit() -> None:
    story = Story().begin()
    story.issue(100)
    story.send_by_mistake(40)
    state = ledger.close(story.state)
    assert state.money[TRANSIT] == 40
    assert ledger.supply(state) == 100


def test_a_payment_may_be_reported_before_or_after_its_transfer() -> None:
    story = Story().begin()
    story.issue(100_000)
    story.deposit(50_000)
    story.settle(110)
    amount = ledger.balance(story.state, SCHOOL)
    story.tell(
        BalanceClaimed(SCHOOL, PAYEE_ACCOUNT, amount), Transfer(SETTLEMENT, PAYEE_ACCOUNT, amount)
    )
    assert ledger.close(story.state).money[PAYEE_HOLDING] == amount


def test_agreements_follow_their_acts() -> None:
    story = Story().begin()
    facts = ledger.agreement_facts(story.state, AGREEMENT)
    assert facts is not None
    assert [state for _, state in facts.history] == [AgreementState.PROPOSED, AgreementState.ACTIVE]
    story.tell(AgreementSuspended(AGREEMENT, SCHOOL, REFERENCE))
    story.tell(AgreementSuspended(AGREEMENT, EMPLOYER, REFERENCE))
    story.tell(AgreementResumed(AGREEMENT, SCHOOL))
    suspended_at = story.time
    story.tell(AgreementResumed(AGREEMENT, EMPLOYER))
    story.tell(AgreementTerminated(AGREEMENT, EMPLOYER, REFERENCE))
    facts = ledger.agreement_facts(story.state, AGREEMENT)
    assert facts is not None
    assert status_at(facts, UnixSeconds(suspended_at - 1)) is AgreementStatus.SUSPENDED
    assert status_at(facts, suspended_at) is AgreementStatus.ACTIVE
    assert status_at(facts, story.time) is AgreementStatus.TERMINATED
    assert ledger.agreement_facts(story.state, AgreementId(bytes(32))) is None


def test_consents_are_read_in_the_namespaces_that_the_entry_names() -> None:
    story = Story().begin()
    entry = Entry(
        AGREEMENT,
        SCHOOL,
        HolderAddress(b"\x07" * 20),
        BEGIN,
        UnixSeconds(BEGIN + 10),
        b"\x02" + bytes(32),
    )
    leaf = leaf_of(entry)
    leaves = (leaf_hash(b"padding"), leaf)
    root = root_of(leaves)
    story.tell(LeavesAnchored(EMPLOYER, root, 0, leaves))
    assert ledger.consent_facts(story.state, entry).anchored_at is None
    anchored_at = story.time
    story.tell(LeavesAnchored(SCHOOL, root, 2, leaves))
    story.tell(LeavesAnchored(SCHOOL, root_of(leaves[1:]), 4, leaves[1:]))
    story.tell(ConsentEnded(b"\x99" * 20, leaf))
    withdrawn_at = story.time
    story.tell(ConsentEnded(entry.holder, leaf))
    story.tell(ConsentEnded(DEPLOYMENT.consent_registry, leaf))
    facts = ledger.consent_facts(story.state, entry)
    assert facts.anchored_at == anchored_at
    assert facts.endings.withdrawn_at == withdrawn_at
    assert facts.endings.revoked_at is None
    assert facts.endings.invalidated_at == withdrawn_at + 1
    assert story.state.leaves[(SCHOOL, leaf)].index == 1
    assert story.state.log_size == 5


def test_rates_hold_from_their_period_on() -> None:
    story = Story().begin()
    later = Period(PERIOD + 3)
    story.tell(RateSet(Category(1), later, RateBps(0)))
    assert ledger.rate_of(story.state, Category(1), Period(later - 1)) == 250
    assert ledger.rate_of(story.state, Category(1), later) == 0
    for category, period in ((Category(9), PERIOD), (Category(1), Period(PERIOD - 1))):
        with pytest.raises(UnknownCategory):
            ledger.rate_of(story.state, category, period)


def test_a_rate_that_has_not_begun_is_corrected() -> None:
    story = Story().begin()
    later = Period(PERIOD + 3)
    story.tell(RateSet(Category(1), later, RateBps(900)))
    story.tell(RateSet(Category(1), later, RateBps(90)))
    assert ledger.rate_of(story.state, Category(1), later) == 90
    assert ledger.rate_of(story.state, Category(1), Period(later - 1)) == 250
    with pytest.raises(LedgerViolation, match="rate from period"):
        story.tell(RateSet(Category(1), Period(later - 1), RateBps(80)))


def test_the_ledger_answers_what_a_proposal_asks() -> None:
    story = Story().begin()
    context = ledger.proposal_context(story.state, story.time)
    other = replace(TERMS, salt=Hash32(b"\x01" * 32), parent=AGREEMENT)
    validate_terms(other, SCHOOL, AgreementId(b"\x01" * 32), context)


LEAVES = (leaf_hash(b"one"), leaf_hash(b"two"))
SETTLED = UsageSettled(AGREEMENT, EMPLOYER, PERIOD, Units(0), Units(1), REFERENCE, ())


@pytest.mark.parametrize(
    "event",
    [
        ParticipantAdmitted(SCHOOL, "did:web:other.example", 1, 1),
        ParticipantAdmitted(SCHOOL, "did:web:school.example", 1, 1),
        ParticipantSuspended(OrganisationId(bytes(20))),
        AccountBound(SCHOOL, CONSUMER_ACCOUNT, 1, BEGIN),
        AccountRetired(SCHOOL, NOBODY),
        AgreementProposed(AGREEMENT, TERMS.parent, TERMS),
        AgreementProposed(AgreementId(bytes(32)), TERMS.parent, TERMS),
        AgreementSigned(AGREEMENT, SCHOOL, PAYEE_ACCOUNT),
        AgreementActivated(AgreementId(bytes(32))),
        AgreementResumed(AGREEMENT, SCHOOL),
        AgreementTerminated(AGREEMENT, OrganisationId(bytes(20)), REFERENCE),
        LeavesAnchored(SCHOOL, root_of(LEAVES), 1, LEAVES),
        LeavesAnchored(SCHOOL, Root(bytes(32)), 0, LEAVES),
        LeavesAnchored(SCHOOL, root_of(()), 0, ()),
        RateSet(Category(1), Period(PERIOD - 1), RateBps(1)),
        RateSet(Category(9), PERIOD, RateBps(1_001)),
        Transfer(CONSUMER_ACCOUNT, PAYEE_ACCOUNT, AmountMinor(1)),
        BalanceClaimed(SCHOOL, PAYEE_ACCOUNT, AmountMinor(1)),
        Left(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT, AmountMinor(0)),
        SETTLED,
        replace(SETTLED, from_units=Units(1), to_units=Units(2)),
        replace(SETTLED, consumer=SCHOOL),
        replace(SETTLED, consumer=OrganisationId(bytes(20))),
        replace(SETTLED, period=Period(PERIOD + 1)),
        replace(SETTLED, period=Period(PERIOD - 1)),
        replace(SETTLED, agreement_id=AgreementId(bytes(32))),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_that_contradicts_the_rules_is_refused(event: Event) -> None:
    story = Story().begin()
    before = story.state
    with pytest.raises(LedgerViolation):
        story.tell(event)
    assert story.state is before


@pytest.mark.parametrize("months_before", [1, 5])
def test_use_of_a_month_outside_the_validity_is_refused(months_before: int) -> None:
    story = Story().begin()
    outside = replace(SETTLED, period=Period(period_of(TERMS.valid_from) - months_before))
    with pytest.raises(LedgerViolation) as refused:
        story.tell(outside)
    error = refused.value.__cause__
    assert isinstance(error, PeriodOutsideValidity)
    told = (error.period, error.valid_from, error.valid_until)
    assert told == (outside.period, TERMS.valid_from, TERMS.valid_until)


def test_a_settlement_with_other_amounts_is_refused() -> None:
    story = Story().begin()
    story.issue(10**6)
    story.deposit(10**6)
    story.settle(50)
    event: Any = story.events[-1][0]
    wrong = replace(event.amounts[0], gross=AmountMinor(event.amounts[0].gross + 1))
    forged = replace(
        event, from_units=Units(50), to_units=Units(90), amounts=(wrong, event.amounts[1])
    )
    with pytest.raises(LedgerViolation, match="amounts"):
        story.tell(forged)


def test_leaving_before_the_notice_or_with_another_amount_is_refused() -> None:
    story = Story().begin()
    story.issue(100)
    story.deposit(100)
    for amount in (50, 101):
        with pytest.raises(LedgerViolation):
            story.tell(Left(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT, AmountMinor(amount)))


@pytest.mark.parametrize("amount", [39, 41, 100])
def test_leaving_pays_what_was_requested_or_is_left(amount: int) -> None:
    story = Story().begin()
    story.issue(100)
    story.deposit(100)
    story.tell(LeavingRequested(AGREEMENT, EMPLOYER, AmountMinor(40), story.time))
    paid = AmountMinor(amount)
    with pytest.raises(LedgerViolation, match="of a deposit of 100"):
        story.tell(
            Transfer(SETTLEMENT, CONSUMER_ACCOUNT, paid),
            Left(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT, paid),
        )


def test_a_deposit_ends_the_request_to_leave() -> None:
    story = Story().begin()
    story.issue(100)
    story.deposit(60)
    story.tell(LeavingRequested(AGREEMENT, EMPLOYER, AmountMinor(60), story.time))
    story.deposit(40)
    assert ledger.leaving_of(story.state, AGREEMENT, EMPLOYER) is None
    with pytest.raises(LedgerViolation):
        story.tell(Left(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT, AmountMinor(60)))


def test_a_contract_that_paid_more_than_it_held_is_seen_with_the_next_transaction() -> None:
    story = Story().begin()
    story.issue(100)
    story.deposit(100)
    story.tell(Transfer(SETTLEMENT, PAYEE_ACCOUNT, AmountMinor(1)))
    with pytest.raises(LedgerViolation, match="more than it held"):
        story.issue(1)
    with pytest.raises(LedgerViolation):
        ledger.close(story.state)


def test_events_out_of_order_are_refused() -> None:
    story = Story().begin()
    last = story.events[-1][1]
    event = ConsentEnded(SCHOOL, LEAVES[0])
    wrong = (
        last,
        replace(last, block_number=last.block_number - 1),
        replace(last, block_number=last.block_number + 1, block_time=UnixSeconds(BEGIN)),
    )
    for origin in wrong:
        with pytest.raises(LedgerViolation):
            ledger.apply(story.state, event, origin)
    later = Origin(10**6, REFERENCE, story.time, sha256(b"later"), 0)
    assert ledger.apply(story.state, event, later).endings[(SCHOOL, LEAVES[0])] == story.time


def test_a_second_ending_in_a_namespace_is_refused() -> None:
    story = Story().begin()
    story.tell(ConsentEnded(SCHOOL, LEAVES[0]))
    with pytest.raises(LedgerViolation):
        story.tell(ConsentEnded(SCHOOL, LEAVES[0]))
