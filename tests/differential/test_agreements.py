"""Agreements: proposals are refused for the same reasons, acts lead to the same states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ledger, lifecycle
from protocol.agreement import (
    AgreementState,
    PriceLine,
    Terms,
    is_active_for,
    validate_terms,
)
from protocol.errors import ContractError
from protocol.types import AgreementId, AmountMinor, Category, OrganisationId, Units, UnixSeconds
from tests.differential.agreements import (
    EMPLOYER,
    OUTSIDER,
    SCHOOL,
    VALID_FROM,
    VALID_UNTIL,
    act,
    activate,
    id_of,
    propose,
    sign,
    terms_between,
)
from tests.differential.chain import BEGIN, GOVERNANCE, ORGANISATIONS, Chain

ACTS = ("sign", "suspend", "resume", "terminate")
acts = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from(ORGANISATIONS), st.integers(0, 2)),
    max_size=14,
)
moments = st.sampled_from(
    [BEGIN, VALID_FROM - 1, VALID_FROM, VALID_UNTIL - 1, VALID_UNTIL, VALID_UNTIL + 5]
)
parties = st.sampled_from(
    [
        (SCHOOL, EMPLOYER),
        (EMPLOYER, SCHOOL),
        (SCHOOL, SCHOOL),
        (SCHOOL,),
        (),
        ORGANISATIONS,
        tuple(sorted(ORGANISATIONS)),
        tuple(sorted((SCHOOL, OUTSIDER))),
        tuple(sorted((SCHOOL, OrganisationId(b"\x09" * 20)))),
        tuple(OrganisationId(bytes([n]) * 20) for n in range(33)),
    ]
)
lines = st.builds(
    PriceLine,
    st.sampled_from([SCHOOL, OUTSIDER]),
    st.sampled_from([1, 2, 9]).map(Category),
    st.just(AmountMinor(1)),
    st.just(Units(0)),
)
KNOWN = terms_between(SCHOOL, EMPLOYER, salt=7)


def outcome(act_on: Callable[[], Any]) -> Any:
    """The result, or the error's name and values."""
    try:
        return act_on()
    except ContractError as error:
        return type(error).__name__, error.values()


@settings(max_examples=150)
@given(
    parties=parties,
    span=st.tuples(moments, moments),
    lines=st.lists(lines, max_size=3).map(tuple) | st.just((lines,) * 33),
    parent=st.sampled_from(["none", "active", "proposed", "unknown"]),
    proposer=st.sampled_from([SCHOOL, EMPLOYER]),
    time=moments,
)
def test_proposals_are_refused_for_the_same_reason(
    chain: Chain,
    *,
    parties: Any,
    span: tuple[int, int],
    lines: Any,
    parent: str,
    proposer: OrganisationId,
    time: int,
) -> None:
    with chain.rolled_back():
        chain.at(BEGIN)
        active = activate(chain, KNOWN)
        proposed = propose(chain, replace(KNOWN, salt=KNOWN.policy_hash), SCHOOL)
        named = {"none": bytes(32), "active": active, "proposed": proposed, "unknown": b"\x01" * 32}
        priced = lines if len(lines) < 33 else (KNOWN.lines[0],) * 33
        terms = replace(
            KNOWN,
            parties=parties,
            valid_from=UnixSeconds(span[0]),
            valid_until=UnixSeconds(span[1]),
            lines=priced,
            parent=AgreementId(named[parent]),
        )
        chain.at(time)
        agreement_id = id_of(chain, terms)
        context = ledger.proposal_context(chain.ledger(), UnixSeconds(time))

        def by_rules() -> AgreementId:
            validate_terms(terms, proposer, agreement_id, context)
            return agreement_id

        assert outcome(lambda: propose(chain, terms, proposer)) == outcome(by_rules)


@settings(max_examples=120)
@given(steps=acts, late=st.booleans())
def test_acts_lead_to_the_same_state_or_the_same_error(
    chain: Chain, steps: list[tuple[str, OrganisationId, int]], late: bool
) -> None:
    terms = terms_between(SCHOOL, EMPLOYER)
    with chain.rolled_back():
        time = VALID_FROM - 5
        chain.at(time)
        agreement_id = propose(chain, terms, SCHOOL)
        state = lifecycle.propose(agreement_id, terms)
        for index, (name, party, pause) in enumerate([*signatures(), *steps]):
            time = VALID_UNTIL if late and index == 4 else time + pause
            chain.at(time)
            told = outcome(partial(perform, chain, name, terms, party))
            ruled = outcome(partial(advance, state, name, party, time))
            if isinstance(ruled, lifecycle.Lifecycle):
                state, ruled = ruled, None
            assert told == ruled
            check_agreement(chain, agreement_id, state, time)


def signatures() -> list[tuple[str, OrganisationId, int]]:
    """Half of the histories begin in earnest: both parties sign."""
    return [("sign", EMPLOYER, 1), ("sign", SCHOOL, 1)]


def perform(chain: Chain, name: str, terms: Terms, party: OrganisationId) -> None:
    """The act on the chain."""
    if name == "sign":
        sign(chain, terms, party)
    else:
        act(chain, name, id_of(chain, terms), party)


def advance(
    state: lifecycle.Lifecycle, name: str, party: OrganisationId, time: int
) -> lifecycle.Lifecycle:
    """The act by the rules."""
    if name == "sign":
        return lifecycle.sign(state, party, UnixSeconds(time))
    rules = {
        "suspend": lifecycle.suspend,
        "resume": lifecycle.resume,
        "terminate": lifecycle.terminate,
    }
    return rules[name](state, party)


def check_agreement(
    chain: Chain, agreement_id: AgreementId, state: lifecycle.Lifecycle, time: int
) -> None:
    """State, last change and activity are those of the contract, and of the fold of its events."""
    told = chain.call(GOVERNANCE, "AgreementRegistry", "agreementOf", agreement_id)
    facts = ledger.agreement_facts(chain.ledger(), agreement_id)
    assert facts is not None
    assert AgreementState(told[0]) is state.state is facts.history[-1][1]
    assert told[5] == facts.history[-1][0]
    for organisation in ORGANISATIONS:
        active = chain.call(
            GOVERNANCE, "AgreementRegistry", "isActiveFor", agreement_id, organisation
        )
        assert active == is_active_for(facts, organisation, UnixSeconds(time))


def test_terms_are_told_as_they_were_proposed(chain: Chain) -> None:
    terms: Terms = terms_between(SCHOOL, EMPLOYER, salt=3)
    with chain.rolled_back():
        agreement_id = activate(chain, terms)
        assert chain.ledger().agreements[agreement_id].terms == terms
