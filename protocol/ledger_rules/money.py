"""Rules of the events that set rates or move tokens."""

from __future__ import annotations

from typing import Any

from protocol import events
from protocol.commission import HARD_CAP_BPS, settle
from protocol.errors import (
    ConsumerIsPayee,
    ConsumerNotParty,
    LeavingNotDue,
    PeriodNotAscending,
    PeriodNotBegun,
    PeriodOutsideValidity,
    RateAboveCap,
    StateInvalid,
    UnknownCategory,
)
from protocol.events import Origin
from protocol.ledger_rules.agreements import agreement_in
from protocol.ledger_rules.rule import NO_POSTINGS, Postings, Rule, contradiction, nothing
from protocol.ledger_state import Agreement, Leaving, LedgerState
from protocol.periods import lies_within, period_start
from protocol.postings import (
    deposit_of,
    postings_of_payment,
    postings_of_transfer,
    postings_of_usage,
)
from protocol.types import (
    AmountMinor,
    Category,
    Period,
    RateBps,
    Units,
    UnixSeconds,
)


def rate_in(state: LedgerState, category: Category, period: Period) -> RateBps | None:
    """The rate of a category in a period; None if there is none."""
    begun = [rate for start, rate in state.rates.get(category, ()) if start <= period]
    return begun[-1] if begun else None


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


def _deposit(state: LedgerState, event: events.Deposited, _: Origin) -> Postings:
    state.leavings.pop((event.agreement_id, event.consumer), None)
    return postings_of_payment(event)


def _pay(
    _state: LedgerState, event: events.BalanceClaimed | events.CommissionPaidOut, _: Origin
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
        raise contradiction(origin, f"of a deposit of {left}, {event.amount} was paid")
    return postings_of_payment(event)


def _settle(state: LedgerState, event: events.UsageSettled, origin: Origin) -> Postings:
    agreement = agreement_in(state, event.agreement_id)
    terms = agreement.terms
    _check_settlement(event, agreement, origin)
    key = (event.agreement_id, event.consumer, event.period)
    settled = state.settled.get(key, Units(0))
    if event.from_units != settled:
        raise contradiction(origin, f"{settled} units were settled, not {event.from_units}")
    rates = [_rate(state, line.category, event.period) for line in terms.lines]
    amounts = settle(terms.lines, rates, event.from_units, event.to_units)
    if tuple(amounts) != event.amounts:
        raise contradiction(origin, "the amounts are not those of the terms and rates")
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
    if not lies_within(event.period, terms.valid_from, terms.valid_until):
        raise PeriodOutsideValidity(
            period=event.period, valid_from=terms.valid_from, valid_until=terms.valid_until
        )


def _rate(state: LedgerState, category: Category, period: Period) -> RateBps:
    rate = rate_in(state, category, period)
    if rate is None:
        raise UnknownCategory(category=category, period=period)
    return rate


RULES: dict[type[Any], Rule] = {
    events.RateSet: _set_rate,
    events.Transfer: _transfer,
    events.Deposited: _deposit,
    events.LeavingRequested: _request_leaving,
    events.Left: _leave,
    events.UsageSettled: _settle,
    events.BalanceClaimed: _pay,
    events.CommissionPaidOut: _pay,
    events.Approval: nothing,
    events.Issued: nothing,
    events.Redeemed: nothing,
    events.VoucherSkipped: nothing,
    events.Granted: nothing,
}
"""From the type of an event to its rule."""
