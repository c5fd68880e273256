"""The status of a consent: one pure function of entry, chain facts and time.

A consent is *active* at t if and only if its leaf was anchored in its issuer's namespace at or
before t, valid_from <= t < valid_until, none of the three endings that count came at or before
t, and its agreement was active at t with the issuer among the parties. The contract's `isActive`
says the same about now.

An ending is terminal. Its three kinds take their names from the W3C Data Privacy Vocabulary:
*withdrawn* by the holder, *revoked* by the issuer, *invalidated* by the association's registry.
The earliest one names the status; at equal times the order is as given here. An ending outweighs
everything else, even the lack of an anchor: a leaf may be ended before it is anchored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocol.agreement import (
    AgreementFacts,
    AgreementStatus,
)
from protocol.agreement import status_at as agreement_status_at
from protocol.entries import Entry
from protocol.types import UnixSeconds


class ConsentState(StrEnum):
    """Where a consent stands."""

    NOT_ANCHORED = "not-anchored"
    NOT_YET_VALID = "not-yet-valid"
    ACTIVE = "active"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    INVALIDATED = "invalidated"
    AGREEMENT_NOT_ACTIVE = "agreement-not-active"


class EndedBy(StrEnum):
    """Whose ending it is."""

    HOLDER = "holder"
    ISSUER = "issuer"
    REGISTRY = "registry"


STATE_OF_ENDING = {
    EndedBy.HOLDER: ConsentState.WITHDRAWN,
    EndedBy.ISSUER: ConsentState.REVOKED,
    EndedBy.REGISTRY: ConsentState.INVALIDATED,
}


@dataclass(frozen=True, slots=True)
class Endings:
    """When each of the three that count ended the leaf; None if never."""

    withdrawn_at: UnixSeconds | None = None
    revoked_at: UnixSeconds | None = None
    invalidated_at: UnixSeconds | None = None


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """What the chain says of one consent's leaf, in the namespaces that its entry names.

    `anchored_at` is the first anchoring by the issuer.
    """

    anchored_at: UnixSeconds | None = None
    endings: Endings = Endings()


@dataclass(frozen=True, slots=True)
class Ending:
    """One ending of a consent."""

    ended_by: EndedBy
    ended_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """Where a consent stands at a time, and why.

    Who ended it first and when; all endings in order; the agreement's status at the same time
    (None if the chain knows no such agreement).
    """

    state: ConsentState
    ended_at: UnixSeconds | None
    ended_by: EndedBy | None
    endings: tuple[Ending, ...]
    agreement_status: AgreementStatus | None

    @property
    def is_active(self) -> bool:
        """Whether data may flow."""
        return self.state is ConsentState.ACTIVE


def status_at(
    entry: Entry,
    facts: ConsentFacts,
    agreement_facts: AgreementFacts | None,
    time: UnixSeconds,
) -> ConsentStatus:
    """Where the consent stands at a time, by what the chain recorded up to and including it."""
    endings = endings_until(facts.endings, time)
    first = endings[0] if endings else None
    agreement_status = (
        None if agreement_facts is None else agreement_status_at(agreement_facts, time)
    )
    return ConsentStatus(
        state=(
            STATE_OF_ENDING[first.ended_by]
            if first
            else _state_without_ending(entry, facts, agreement_facts, time)
        ),
        ended_at=first.ended_at if first else None,
        ended_by=first.ended_by if first else None,
        endings=endings,
        agreement_status=agreement_status,
    )


def endings_until(endings: Endings, time: UnixSeconds) -> tuple[Ending, ...]:
    """The endings at or before a time, the earliest first; equal times in the order of rank."""
    ranked = (
        (EndedBy.HOLDER, endings.withdrawn_at),
        (EndedBy.ISSUER, endings.revoked_at),
        (EndedBy.REGISTRY, endings.invalidated_at),
    )
    reached = [Ending(who, at) for who, at in ranked if at is not None and at <= time]
    return tuple(sorted(reached, key=lambda ending: ending.ended_at))


def _state_without_ending(
    entry: Entry,
    facts: ConsentFacts,
    agreement_facts: AgreementFacts | None,
    time: UnixSeconds,
) -> ConsentState:
    if facts.anchored_at is None or facts.anchored_at > time:
        return ConsentState.NOT_ANCHORED
    if time >= entry.valid_until:
        return ConsentState.EXPIRED
    if time < entry.valid_from:
        return ConsentState.NOT_YET_VALID
    if (
        agreement_facts is None
        or entry.issuer not in agreement_facts.parties
        or agreement_status_at(agreement_facts, time) is not AgreementStatus.ACTIVE
    ):
        return ConsentState.AGREEMENT_NOT_ACTIVE
    return ConsentState.ACTIVE
