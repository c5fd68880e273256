"""Accounts and rates: who speaks for whom, and which rate holds, as the contracts say."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ledger
from protocol.errors import ContractError, UnknownCategory
from protocol.hashing import sha256
from protocol.periods import period_of
from protocol.signing import address_of
from protocol.types import Category, Period, Scope, UnixSeconds
from tests.differential.chain import ACCOUNTS, BEGIN, GOVERNANCE, NEVER, ORGANISATIONS, Chain

SECRET = sha256(b"an account to be bound")
ACCOUNT = address_of(SECRET)
FIRST = period_of(BEGIN)
organisations = st.sampled_from(ORGANISATIONS)
scopes = st.integers(0, 63)
expiries = st.sampled_from([BEGIN - 1, BEGIN + 3, BEGIN + 7, NEVER])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("bind"), organisations, scopes, expiries),
        st.tuples(st.just("delegate"), organisations, organisations, scopes, expiries),
        st.tuples(st.just("retire"), st.sampled_from([ACCOUNT, *ACCOUNTS.values()])),
        st.tuples(st.just("suspend"), organisations),
        st.tuples(st.just("reinstate"), organisations),
    ),
    max_size=6,
)


@settings(max_examples=80)
@given(steps=steps)
def test_the_same_accounts_speak(chain: Chain, steps: list[tuple[Any, ...]]) -> None:
    with chain.rolled_back():
        for pause, (name, *arguments) in enumerate(steps):
            chain.at(BEGIN + pause)
            try:
                perform(chain, name, *arguments)
            except ContractError:
                continue
        for time in (BEGIN + 6, BEGIN + 7):
            check_speakers(chain, UnixSeconds(time))


def perform(chain: Chain, name: str, *arguments: Any) -> None:
    """One act of an organisation on its accounts, or of governance on an organisation."""
    caller = ACCOUNTS.get(arguments[0], GOVERNANCE)
    match name:
        case "bind":
            organisation, scope, expires_at = arguments
            signature = chain.binding(organisation, SECRET)
            fields = (organisation, ACCOUNT, scope, expires_at, signature)
            chain.call(caller, "ParticipantRegistry", "bindAccount", *fields)
        case "delegate":
            chain.call(caller, "ParticipantRegistry", "delegate", *arguments)
        case "retire":
            chain.call(arguments[0], "ParticipantRegistry", "retireAccount", *arguments)
        case _:
            chain.call(GOVERNANCE, "ParticipantRegistry", name, *arguments)


def check_speakers(chain: Chain, time: UnixSeconds) -> None:
    """Every account, organisation and scope; and where each organisation stands."""
    chain.at(time)
    state = chain.ledger()
    for organisation in ORGANISATIONS:
        member = ledger.participant_of(state, organisation)
        told = chain.call(GOVERNANCE, "ParticipantRegistry", "participantOf", organisation)
        assert member is not None
        assert (told[0] == 2, told[3]) == (member.suspended, member.admitted_at)
        for account in (ACCOUNT, *ACCOUNTS.values()):
            for scope in Scope:
                assert ledger.speaks_for(state, account, organisation, scope, time) == chain.call(
                    GOVERNANCE, "ParticipantRegistry", "speaksFor", account, organisation, scope
                )


@settings(max_examples=40)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from([1, 9]), st.integers(0, 12), st.integers(0, 1_010)), max_size=6
    )
)
def test_the_same_rates_hold(chain: Chain, changes: list[tuple[int, int, int]]) -> None:
    with chain.rolled_back():
        for category, later, rate in changes:
            try:
                chain.call(GOVERNANCE, "CommissionPolicy", "setRate", category, FIRST + later, rate)
            except ContractError:
                continue
        state = chain.ledger()
        for number in (1, 9):
            for period in range(FIRST - 1, FIRST + 14):
                told = rate_on_chain(chain, number, period)
                try:
                    ruled: int | None = ledger.rate_of(state, Category(number), Period(period))
                except UnknownCategory:
                    ruled = None
                assert told == ruled


def rate_on_chain(chain: Chain, category: int, period: int) -> int | None:
    """The contract's rate; None where it knows none."""
    try:
        return int(chain.call(GOVERNANCE, "CommissionPolicy", "rateOf", category, period))
    except UnknownCategory:
        return None
