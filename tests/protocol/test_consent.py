"""The status of a consent: every branch, and the laws that hold for all facts and times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.agreement import AgreementFacts, AgreementState, AgreementStatus
from protocol.agreement import status_at as agreement_status_at
from protocol.consent import (
    ConsentFacts,
    ConsentState,
    EndedBy,
    Endings,
    status_at,
)
from protocol.entries import Entry
from protocol.types import AgreementId, HolderAddress, OrganisationId, UnixSeconds

ISSUER, OTHER = OrganisationId(b"\x01" * 20), OrganisationId(b"\x02" * 20)
ENTRY = Entry(
    AgreementId(bytes(32)),
    ISSUER,
    HolderAddress(b"\x03" * 20),
    UnixSeconds(20),
    UnixSeconds(60),
    b"\x02" + bytes(32),
)
AGREEMENT = AgreementFacts(
    (ISSUER, OTHER),
    UnixSeconds(0),
    UnixSeconds(80),
    ((UnixSeconds(5), AgreementState.ACTIVE),),
)
ANCHORED = ConsentFacts(UnixSeconds(10))
times = st.integers(0, 100).map(UnixSeconds)
maybe_times = st.none() | times
facts_of_consent = st.builds(
    ConsentFacts, maybe_times, st.builds(Endings, maybe_times, maybe_times, maybe_times)
)
facts_of_agreement = st.none() | st.builds(
    AgreementFacts,
    st.sampled_from([(ISSUER, OTHER), (OTHER,)]),
    times,
    times,
    st.lists(st.tuples(times, st.sampled_from(list(AgreementState)[1:])), max_size=5).map(
        lambda steps: tuple(sorted(steps, key=lambda step: step[0]))
    ),
)


def state_of(facts: ConsentFacts, agreement: AgreementFacts | None, time: int) -> ConsentState:
    return status_at(ENTRY, facts, agreement, UnixSeconds(time)).state


@pytest.mark.parametrize(
    ("time", "state"),
    [
        (9, ConsentState.NOT_ANCHORED),
        (10, ConsentState.NOT_YET_VALID),
        (19, ConsentState.NOT_YET_VALID),
        (20, ConsentState.ACTIVE),
        (59, ConsentState.ACTIVE),
        (60, ConsentState.EXPIRED),
    ],
)
def test_time_decides_while_nobody_ends_it(time: int, state: ConsentState) -> None:
    assert state_of(ANCHORED, AGREEMENT, time) is state


@pytest.mark.parametrize(
    "agreement",
    [
        None,
        replace(AGREEMENT, parties=(OTHER,)),
        replace(AGREEMENT, history=((UnixSeconds(5), AgreementState.PROPOSED),)),
        replace(AGREEMENT, history=((UnixSeconds(5), AgreementState.SUSPENDED),)),
        replace(AGREEMENT, valid_until=UnixSeconds(30)),
    ],
)
def test_the_agreement_must_be_active_for_the_issuer(agreement: AgreementFacts | None) -> None:
    assert state_of(ANCHORED, agreement, 30) is ConsentState.AGREEMENT_NOT_ACTIVE


@pytest.mark.parametrize(
    ("endings", "state", "ended_by"),
    [
        ({"withdrawn_at": 30}, ConsentState.WITHDRAWN, EndedBy.HOLDER),
        ({"revoked_at": 30}, ConsentState.REVOKED, EndedBy.ISSUER),
        ({"invalidated_at": 30}, ConsentState.INVALIDATED, EndedBy.REGISTRY),
        ({"withdrawn_at": 31, "revoked_at": 30}, ConsentState.REVOKED, EndedBy.ISSUER),
        ({"withdrawn_at": 30, "revoked_at": 30}, ConsentState.WITHDRAWN, EndedBy.HOLDER),
        ({"revoked_at": 30, "invalidated_at": 30}, ConsentState.REVOKED, EndedBy.ISSUER),
    ],
)
def test_the_earliest_ending_names_the_status(
    endings: dict[str, Any], state: ConsentState, ended_by: EndedBy
) -> None:
    facts = replace(ANCHORED, endings=Endings(**endings))
    status = status_at(ENTRY, facts, AGREEMENT, UnixSeconds(40))
    assert (status.state, status.ended_by, status.ended_at) == (state, ended_by, 30)
    assert len(status.endings) == len(endings)
    assert state_of(facts, AGREEMENT, 30) is state
    assert state_of(facts, AGREEMENT, 29) is ConsentState.ACTIVE


def test_an_ending_before_the_anchor_counts() -> None:
    facts = ConsentFacts(None, Endings(withdrawn_at=UnixSeconds(3)))
    assert state_of(facts, AGREEMENT, 4) is ConsentState.WITHDRAWN
    assert (
        state_of(replace(facts, anchored_at=UnixSeconds(10)), AGREEMENT, 30)
        is ConsentState.WITHDRAWN
    )


@given(facts_of_consent, facts_of_agreement, times)
def test_active_if_and_only_if_all_conditions_hold(
    facts: ConsentFacts, agreement: AgreementFacts | None, time: UnixSeconds
) -> None:
    endings = facts.endings
    ends = (endings.withdrawn_at, endings.revoked_at, endings.invalidated_at)
    expected = (
        facts.anchored_at is not None
        and facts.anchored_at <= time
        and ENTRY.valid_from <= time < ENTRY.valid_until
        and not any(at is not None and at <= time for at in ends)
        and agreement is not None
        and ISSUER in agreement.parties
        and agreement_status_at(agreement, time) is AgreementStatus.ACTIVE
    )
    status = status_at(ENTRY, facts, agreement, time)
    assert status.is_active == expected
    assert status.is_active == (status.state is ConsentState.ACTIVE)


@given(facts_of_consent, facts_of_agreement, times, times)
def test_an_ended_consent_is_never_active_again(
    facts: ConsentFacts, agreement: AgreementFacts | None, one: UnixSeconds, other: UnixSeconds
) -> None:
    earlier, later = sorted((one, other))
    before = status_at(ENTRY, facts, agreement, earlier)
    after = status_at(ENTRY, facts, agreement, later)
    if before.ended_at is not None:
        assert after.state is before.state
        assert (after.ended_at, after.ended_by) == (before.ended_at, before.ended_by)
        assert after.endings[: len(before.endings)] == before.endings


@given(facts_of_consent, facts_of_agreement, times)
def test_the_answer_does_not_depend_on_what_comes_later(
    facts: ConsentFacts, agreement: AgreementFacts | None, time: UnixSeconds
) -> None:
    def until(at: UnixSeconds | None) -> UnixSeconds | None:
        return at if at is not None and at <= time else None

    endings = facts.endings
    known = ConsentFacts(
        until(facts.anchored_at),
        Endings(
            until(endings.withdrawn_at), until(endings.revoked_at), until(endings.invalidated_at)
        ),
    )
    told = agreement and replace(
        agreement, history=tuple(step for step in agreement.history if step[0] <= time)
    )
    assert status_at(ENTRY, known, told, time) == status_at(ENTRY, facts, agreement, time)
