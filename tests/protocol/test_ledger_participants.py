"""Participants in the fold: accounts, delegations, recoveries, roles, suspensions, stops."""

from __future__ import annotations

import pytest

from protocol import ledger
from protocol.errors import LedgerViolation
from protocol.events import (
    AccountBound,
    AccountRetired,
    GuardianAppointed,
    OperatorDelegated,
    ParticipantClassified,
    ParticipantDescribed,
    ParticipantReinstated,
    ParticipantSuspended,
    RecoveryAnnounced,
    RecoveryCancelled,
    StopEnded,
    Stopped,
)
from protocol.types import AccountAddress, OrganisationId, Scope, UnixSeconds
from tests.protocol.ledger_story import (
    BEGIN,
    CONSUMER_ACCOUNT,
    EMPLOYER,
    NOBODY,
    REFERENCE,
    SCHOOL,
    Story,
)


def test_accounts_speak_by_scope_expiry_and_delegation() -> None:
    story = Story().begin()
    operator = AccountAddress(b"\xb9" * 20)
    now, soon = story.time, UnixSeconds(story.time + 100)
    story.tell(AccountBound(EMPLOYER, operator, Scope.ANCHOR | Scope.CLAIM, soon))
    story.tell(OperatorDelegated(SCHOOL, EMPLOYER, Scope.ANCHOR, UnixSeconds(soon - 50)))

    def speaks(organisation: OrganisationId, scope: Scope, time: UnixSeconds) -> bool:
        return ledger.speaks_for(story.state, operator, organisation, scope, time)

    assert speaks(EMPLOYER, Scope.CLAIM, now)
    assert not speaks(EMPLOYER, Scope.AGREE, now)
    assert not speaks(EMPLOYER, Scope.CLAIM, soon)
    assert speaks(SCHOOL, Scope.ANCHOR, now)
    assert not speaks(SCHOOL, Scope.CLAIM, now)
    assert not speaks(SCHOOL, Scope.ANCHOR, UnixSeconds(soon - 50))
    story.tell(AccountRetired(EMPLOYER, operator))
    assert not speaks(EMPLOYER, Scope.CLAIM, now)
    assert not ledger.speaks_for(story.state, NOBODY, EMPLOYER, Scope.CLAIM, now)


def test_an_organisation_without_keys_is_recovered_unless_it_calls_that_off() -> None:
    story = Story().begin()
    spare, due = AccountAddress(b"\xba" * 20), UnixSeconds(BEGIN + 10**7)
    story.tell(RecoveryAnnounced(SCHOOL, spare, due))
    assert story.state.recoveries[SCHOOL].account == spare
    story.tell(RecoveryCancelled(SCHOOL, spare))
    assert SCHOOL not in story.state.recoveries
    with pytest.raises(LedgerViolation, match="No recovery"):
        story.tell(RecoveryCancelled(SCHOOL, spare))
    story.tell(RecoveryAnnounced(SCHOOL, spare, due))
    story.tell(AccountBound(SCHOOL, spare, Scope(31), UnixSeconds(2**40 - 1)))
    assert SCHOOL not in story.state.recoveries


def test_roles_and_college_change() -> None:
    story = Story().begin()
    story.tell(ParticipantClassified(SCHOOL, 4, 3))
    school = ledger.participant_of(story.state, SCHOOL)
    assert school is not None
    assert (school.roles, school.college) == (4, 3)


def test_participants_describe_themselves_and_are_suspended() -> None:
    story = Story().begin()
    story.tell(ParticipantDescribed(SCHOOL, "https://node.example", REFERENCE))
    story.tell(ParticipantSuspended(SCHOOL))
    school = ledger.participant_of(story.state, SCHOOL)
    assert school is not None
    assert (school.service_address, school.suspended) == ("https://node.example", True)
    assert SCHOOL not in ledger.proposal_context(story.state, story.time).admitted
    story.tell(ParticipantReinstated(SCHOOL))
    story.tell(GuardianAppointed(CONSUMER_ACCOUNT))
    story.tell(Stopped(UnixSeconds(BEGIN + 10**6)))
    assert story.state.stopped_until == BEGIN + 10**6
    story.tell(StopEnded())
    assert story.state.stopped_until < story.time
    assert story.state.guardian == CONSUMER_ACCOUNT
