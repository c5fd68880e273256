"""Terms and where an agreement stands at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import errors
from protocol.agreement import (
    AgreementFacts,
    AgreementState,
    AgreementStatus,
    PriceLine,
    ProposalContext,
    Terms,
    is_active_for,
    state_at,
    status_at,
    validate_terms,
)
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
)

A, B, C = (OrganisationId(bytes([n]) * 20) for n in (1, 2, 3))
ID, PARENT = AgreementId(b"\x01" * 32), AgreementId(b"\x02" * 32)
LINE = PriceLine(A, Category(1), AmountMinor(5), Units(0))
TERMS = Terms(
    parties=(A, B),
    valid_from=UnixSeconds(10),
    valid_until=UnixSeconds(100),
    policy_hash=Hash32(bytes(32)),
    document_hash=Hash32(bytes(32)),
    rulebook=Hash32(bytes(32)),
    parent=AgreementId(bytes(32)),
    salt=Hash32(bytes(32)),
    lines=(LINE,),
)
CONTEXT = ProposalContext(
    block_time=UnixSeconds(50),
    admitted={A, B, C},
    categories={Category(1)},
    proposed=set(),
    ever_active={PARENT: (A, B)},
)
FACTS = AgreementFacts((A, B), UnixSeconds(10), UnixSeconds(100), ())
states = st.sampled_from(list(AgreementState)[1:])
histories = st.lists(st.tuples(st.integers(0, 120), states), max_size=6).map(
    lambda steps: tuple(sorted(steps, key=lambda step: step[0]))
)


def test_good_terms_are_let_pass() -> None:
    validate_terms(TERMS, A, ID, CONTEXT)
    validate_terms(replace(TERMS, lines=()), B, ID, CONTEXT)
    validate_terms(replace(TERMS, parties=(A, B, C), parent=PARENT), C, ID, CONTEXT)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"valid_until": 10}, errors.ValidityInvalid),
        ({"valid_until": 50}, errors.ValidityInvalid),
        ({"parties": (A,)}, errors.PartyCountInvalid),
        ({"parties": tuple(bytes([n]) * 20 for n in range(33))}, errors.PartyCountInvalid),
        ({"parties": (B, A)}, errors.PartiesNotAscending),
        ({"parties": (A, A)}, errors.PartiesNotAscending),
        ({"parties": (A, b"\x09" * 20)}, errors.PartyNotAdmitted),
        ({"parties": (B, C)}, errors.NotParty),
        ({"lines": (LINE,) * 33}, errors.TooManyLines),
        ({"lines": (replace(LINE, payee=C),)}, errors.PayeeNotParty),
        ({"lines": (replace(LINE, category=Category(2)),)}, errors.UnknownCategory),
        ({"parent": ID}, errors.ParentInvalid),
        ({"parties": (A, C), "parent": PARENT}, errors.ParentInvalid),
    ],
)
def test_bad_terms_are_refused_as_the_contract_does(changes: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        validate_terms(replace(TERMS, **changes), A, ID, CONTEXT)


def test_the_same_terms_are_proposed_once() -> None:
    with pytest.raises(errors.AlreadyProposed):
        validate_terms(TERMS, A, ID, replace(CONTEXT, proposed={ID}))


@pytest.mark.parametrize(
    ("history", "time", "status"),
    [
        ((), 50, AgreementStatus.UNKNOWN),
        (((20, AgreementState.PROPOSED),), 19, AgreementStatus.UNKNOWN),
        (((20, AgreementState.PROPOSED),), 20, AgreementStatus.PROPOSED),
        (((20, AgreementState.PROPOSED),), 100, AgreementStatus.EXPIRED),
        (((5, AgreementState.ACTIVE),), 9, AgreementStatus.NOT_YET_VALID),
        (((5, AgreementState.ACTIVE),), 10, AgreementStatus.ACTIVE),
        (((5, AgreementState.ACTIVE),), 99, AgreementStatus.ACTIVE),
        (((5, AgreementState.ACTIVE),), 100, AgreementStatus.EXPIRED),
        (
            ((5, AgreementState.ACTIVE), (30, AgreementState.SUSPENDED)),
            30,
            AgreementStatus.SUSPENDED,
        ),
        (
            ((5, AgreementState.ACTIVE), (30, AgreementState.TERMINATED)),
            200,
            AgreementStatus.TERMINATED,
        ),
        (
            (
                (5, AgreementState.ACTIVE),
                (30, AgreementState.SUSPENDED),
                (30, AgreementState.ACTIVE),
            ),
            30,
            AgreementStatus.ACTIVE,
        ),
    ],
)
def test_status_by_history_and_time(
    history: tuple[Any, ...], time: int, status: AgreementStatus
) -> None:
    assert status_at(replace(FACTS, history=history), UnixSeconds(time)) is status


@given(histories, st.integers(0, 120).map(UnixSeconds))
def test_active_means_active_on_chain_and_within_the_validity(
    history: Any, time: UnixSeconds
) -> None:
    facts = replace(FACTS, history=history)
    expected = state_at(facts, time) is AgreementState.ACTIVE and 10 <= time < 100
    assert (status_at(facts, time) is AgreementStatus.ACTIVE) == expected
    assert is_active_for(facts, A, time) == expected
    assert not is_active_for(facts, C, time)
