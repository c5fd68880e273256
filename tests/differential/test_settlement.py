"""Settlement: the same split to the last base unit, and books that match the contracts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ledger
from protocol.agreement import PriceLine
from protocol.commission import settle, total_gross
from protocol.errors import (
    DepositTooSmall,
    PeriodNotBegun,
    PeriodOutsideValidity,
    VoucherNotNewer,
)
from protocol.events import UsageSettled
from protocol.periods import lies_within, period_of, period_start
from protocol.postings import holding_of
from protocol.signing import Voucher, sign_digest, voucher_digest
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    Period,
    RateBps,
    Units,
    UnixSeconds,
)
from tests.differential.agreements import EMPLOYER, SCHOOL, VALID_FROM, activate, terms_between
from tests.differential.chain import (
    ACCOUNTS,
    CATEGORIES,
    CHAIN_ID,
    GOVERNANCE,
    SECRETS,
    Chain,
    terms_tuple,
)

PERIOD = period_of(VALID_FROM)
CONSUMER, PAYEE = ACCOUNTS[EMPLOYER], ACCOUNTS[SCHOOL]
LEAVING_NOTICE = 30 * 86_400
prices = st.integers(0, 10**6) | st.integers(0, 2**64 - 1)
price_lines = st.builds(
    PriceLine,
    st.just(SCHOOL),
    st.sampled_from(sorted(CATEGORIES)).map(Category),
    prices.map(AmountMinor),
    st.integers(0, 200).map(Units),
)
stops = st.sets(st.integers(1, 500) | st.integers(1, 2**64 - 1), min_size=1, max_size=5)


def fund(chain: Chain, agreement_id: AgreementId, amount: int) -> None:
    """Issue tokens to the consumer, and deposit them."""
    chain.call(GOVERNANCE, "UsageToken", "issue", CONSUMER, amount, bytes(32))
    chain.call(CONSUMER, "UsageToken", "approve", chain.address["UsageSettlement"], amount)
    chain.call(CONSUMER, "UsageSettlement", "deposit", agreement_id, EMPLOYER, amount)


def settle_on_chain(
    chain: Chain, terms: Any, units: int, up_to: int, period: Period = PERIOD
) -> None:
    """Submit a voucher that the consumer's account has signed."""
    agreement_id = chain.call(GOVERNANCE, "AgreementRegistry", "agreementIdOf", terms_tuple(terms))
    voucher = Voucher(agreement_id, EMPLOYER, period, Units(units), Hash32(bytes(32)))
    digest = voucher_digest(voucher, CHAIN_ID, chain.address["UsageSettlement"])
    signature = sign_digest(SECRETS[EMPLOYER], digest)
    fields = (agreement_id, EMPLOYER, period, units, bytes(32))
    chain.call(
        GOVERNANCE,
        "UsageSettlement",
        "settle",
        terms_tuple(terms),
        fields,
        up_to,
        CONSUMER,
        signature,
    )


@settings(max_examples=80)
@given(lines=st.lists(price_lines, min_size=1, max_size=4), stops=stops)
def test_settlements_split_alike(chain: Chain, lines: list[PriceLine], stops: set[int]) -> None:
    rates = [RateBps(CATEGORIES[line.category]) for line in lines]
    steps = sorted(stops)
    terms = terms_between(SCHOOL, EMPLOYER, lines=tuple(lines))
    with chain.rolled_back():
        chain.at(VALID_FROM)
        agreement_id = activate(chain, terms)
        whole = settle(lines, rates, Units(0), Units(steps[-1]))
        fund(chain, agreement_id, total_gross(whole) + 1)
        settled = 0
        for up_to in steps:
            settle_on_chain(chain, terms, steps[-1], up_to)
            event = chain.told[-1][0]
            assert isinstance(event, UsageSettled)
            assert list(event.amounts) == settle(lines, rates, Units(settled), Units(up_to))
            settled = up_to
        with pytest.raises(VoucherNotNewer):
            settle_on_chain(chain, terms, settled, settled)
        check_books(chain, agreement_id)
        assert ledger.deposit(chain.ledger(), agreement_id, EMPLOYER) == 1


acts = st.lists(
    st.tuples(
        st.sampled_from(
            ["fund", "settle", "claim", "pay out", "ask", "leave", "grant", "redeem", "mistake"]
        ),
        st.integers(1, 4_000),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=acts)
def test_the_fold_keeps_the_books_of_the_contracts(
    chain: Chain, steps: list[tuple[str, int]]
) -> None:
    terms = terms_between(SCHOOL, EMPLOYER)
    with chain.rolled_back():
        chain.at(VALID_FROM)
        agreement_id = activate(chain, terms)
        for name, amount in steps:
            try:
                perform(chain, name, amount, terms, agreement_id)
            except Exception as error:
                if not hasattr(error, "solidity_name") and "Revert" not in str(error):
                    raise
            check_books(chain, agreement_id)


def perform(chain: Chain, name: str, amount: int, terms: Any, agreement_id: AgreementId) -> None:
    """One act with money; what the contracts refuse changes nothing."""
    match name:
        case "fund":
            fund(chain, agreement_id, amount)
        case "settle":
            done = ledger.settled_units(chain.ledger(), agreement_id, EMPLOYER, PERIOD)
            settle_on_chain(chain, terms, done + amount, done + amount // 50 + 1)
        case "claim":
            chain.call(PAYEE, "UsageSettlement", "claim", SCHOOL, PAYEE, amount)
        case "pay out":
            chain.call(GOVERNANCE, "UsageSettlement", "payOutCommission")
        case "ask":
            chain.call(
                CONSUMER, "UsageSettlement", "requestLeaving", agreement_id, EMPLOYER, amount
            )
        case "leave":
            chain.at(chain.time + LEAVING_NOTICE)
            chain.call(CONSUMER, "UsageSettlement", "leave", agreement_id, EMPLOYER, CONSUMER)
        case "grant":
            chain.call(GOVERNANCE, "CommonsTreasury", "grant", PAYEE, amount // 100, bytes(32))
        case "redeem":
            chain.call(PAYEE, "UsageToken", "redeem", amount, bytes(32))
        case "mistake":
            chain.call(GOVERNANCE, "UsageToken", "issue", CONSUMER, amount, bytes(32))
            settlement = chain.address["UsageSettlement"]
            chain.call(CONSUMER, "UsageToken", "transfer", settlement, amount // 2)


def check_books(chain: Chain, agreement_id: AgreementId) -> None:
    """Every account of the fold holds what the contracts say."""
    state = chain.ledger()

    def told(contract: str, function: str, *arguments: Any) -> int:
        return int(chain.call(GOVERNANCE, contract, function, *arguments))

    settlement, treasury = state.deployment.usage_settlement, state.deployment.commons_treasury
    assert ledger.supply(state) == told("UsageToken", "totalSupply")
    assert ledger.deposit(state, agreement_id, EMPLOYER) == told(
        "UsageSettlement", "depositOf", agreement_id, EMPLOYER
    )
    leaving = ledger.leaving_of(state, agreement_id, EMPLOYER)
    asked = (leaving.amount, leaving.executable_at) if leaving else (0, 0)
    leaving_on_chain = chain.call(
        GOVERNANCE, "UsageSettlement", "leavingOf", agreement_id, EMPLOYER
    )
    assert tuple(leaving_on_chain) == asked
    assert ledger.balance(state, SCHOOL) == told("UsageSettlement", "balanceOf", SCHOOL)
    assert ledger.commission_owed(state) == told("UsageSettlement", "commissionOwed")
    assert ledger.treasury(state) == told("UsageToken", "balanceOf", treasury)
    for account in (CONSUMER, PAYEE):
        held = ledger.money_in(state, holding_of(account, settlement, treasury))
        assert held == told("UsageToken", "balanceOf", account)
    inside = [
        amount
        for account, amount in state.money.items()
        if account.startswith(("deposit:", "balance:", "commission", "transit"))
    ]
    assert sum(inside) == told("UsageToken", "balanceOf", settlement)


def test_a_short_deposit_and_a_period_to_come_are_refused(chain: Chain) -> None:
    terms = terms_between(SCHOOL, EMPLOYER)
    later = Period(PERIOD + 1)
    with chain.rolled_back():
        chain.at(VALID_FROM)
        fund(chain, activate(chain, terms), 10)
        with pytest.raises(DepositTooSmall) as short:
            settle_on_chain(chain, terms, 100, 100)
        rates = [RateBps(CATEGORIES[line.category]) for line in terms.lines]
        needed = total_gross(settle(terms.lines, rates, Units(0), Units(100)))
        assert (short.value.deposit, short.value.needed) == (10, needed)
        with pytest.raises(PeriodNotBegun) as early:
            settle_on_chain(chain, terms, 1, 1, later)
        assert early.value.starts_at == period_start(later)
        chain.at(UnixSeconds(period_start(later)))
        settle_on_chain(chain, terms, 1, 1, later)


@settings(max_examples=60)
@given(
    begin=st.integers(-200 * 86_400, 200 * 86_400),
    seconds=st.integers(1, 200 * 86_400),
    month=st.integers(-8, 14),
)
def test_use_is_settled_in_the_months_of_the_validity_alone(
    chain: Chain, begin: int, seconds: int, month: int
) -> None:
    terms = replace(
        terms_between(SCHOOL, EMPLOYER, lines=()),
        valid_from=UnixSeconds(VALID_FROM + begin),
        valid_until=UnixSeconds(max(VALID_FROM + begin + seconds, VALID_FROM + 1)),
    )
    period = Period(PERIOD + month)
    with chain.rolled_back():
        chain.at(VALID_FROM)
        agreement_id = activate(chain, terms)
        chain.at(VALID_FROM + 500 * 86_400)
        if lies_within(period, terms.valid_from, terms.valid_until):
            settle_on_chain(chain, terms, 1, 1, period)
            assert ledger.settled_units(chain.ledger(), agreement_id, EMPLOYER, period) == 1
        else:
            with pytest.raises(PeriodOutsideValidity) as outside:
                settle_on_chain(chain, terms, 1, 1, period)
            error = outside.value
            told = (error.period, error.valid_from, error.valid_until)
            assert told == (period, terms.valid_from, terms.valid_until)
