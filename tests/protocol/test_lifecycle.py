"""The acts of the parties as a state machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import lifecycle
from protocol.agreement import AgreementState
from protocol.errors import (
    AgreementRegistryError,
    AlreadySigned,
    NotParty,
    NotSuspendedBy,
    StateInvalid,
    ValidityInvalid,
)
from protocol.lifecycle import Lifecycle
from protocol.types import AgreementId, OrganisationId, UnixSeconds

A, B, C = (OrganisationId(bytes([n]) * 20) for n in (1, 2, 3))
ID = AgreementId(b"\x01" * 32)
NOW = UnixSeconds(50)
PROPOSED = Lifecycle(ID, (A, B), UnixSeconds(10), UnixSeconds(100), AgreementState.PROPOSED)


def sign(state: Lifecycle, party: OrganisationId) -> Lifecycle:
    return lifecycle.sign(state, party, NOW)


ACTS: dict[str, Callable[[Lifecycle, OrganisationId], Lifecycle]] = {
    "sign": sign,
    "suspend": lifecycle.suspend,
    "resume": lifecycle.resume,
    "terminate": lifecycle.terminate,
}
ACTIVE = sign(sign(PROPOSED, A), B)
acts = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from([A, B, C])), max_size=25)


def test_the_last_signature_activates() -> None:
    once = sign(PROPOSED, B)
    assert once.state is AgreementState.PROPOSED
    assert sign(once, A).state is AgreementState.ACTIVE


def test_all_suspensions_must_be_taken_back() -> None:
    both = lifecycle.suspend(lifecycle.suspend(ACTIVE, A), B)
    assert both.state is AgreementState.SUSPENDED
    one_left = lifecycle.resume(both, A)
    assert one_left.state is AgreementState.SUSPENDED
    assert lifecycle.resume(one_left, B).state is AgreementState.ACTIVE


def test_forbidden_acts_raise_the_errors_of_the_contract() -> None:
    suspended = lifecycle.suspend(ACTIVE, A)
    with pytest.raises(AlreadySigned):
        sign(sign(PROPOSED, A), A)
    with pytest.raises(StateInvalid):
        sign(ACTIVE, A)
    with pytest.raises(NotParty):
        sign(PROPOSED, C)
    with pytest.raises(ValidityInvalid):
        lifecycle.sign(PROPOSED, A, UnixSeconds(100))
    with pytest.raises(StateInvalid):
        lifecycle.suspend(PROPOSED, A)
    with pytest.raises(StateInvalid):
        lifecycle.suspend(suspended, A)
    with pytest.raises(StateInvalid):
        lifecycle.resume(ACTIVE, A)
    with pytest.raises(NotSuspendedBy):
        lifecycle.resume(suspended, B)


@given(acts)
def test_whatever_the_parties_do_the_state_fits_their_acts(
    steps: list[tuple[str, OrganisationId]],
) -> None:
    state = PROPOSED
    for name, party in steps:
        before = state
        try:
            state = ACTS[name](state, party)
        except AgreementRegistryError:
            continue
        assert before.state is not AgreementState.TERMINATED
        assert party in state.parties
    complete = state.signed_by == {A, B}
    if state.state is AgreementState.ACTIVE:
        assert complete
        assert not state.suspended_by
    if state.state is AgreementState.SUSPENDED:
        assert complete
        assert state.suspended_by
    if state.state is AgreementState.PROPOSED:
        assert not complete
