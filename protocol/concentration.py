"""How much of the network rests on few operators.

An organisation's operator is the one that it let act for it last, as long as the delegation holds;
without one it is its own. What organisations do counts for the operator that each has now: that
much would have to move if the operator stopped today.

The index is Herfindahl's and Hirschman's, the sum of the squared shares, on the scale of the
European Commission's guidelines on horizontal mergers (2004/C 31/03, paragraphs 19 to 21): one
operator alone is 10,000, n of equal size are 10,000 / n.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from protocol.events import OperatorDelegated
from protocol.types import OrganisationId, UnixSeconds

WHOLE_INDEX = 10_000
WHOLE_SHARE_BPS = 10_000
MODERATE_FROM = 1_000
HIGH_FROM = 2_000


class Concentration(StrEnum):
    """What the guidelines' thresholds say of an index."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


def operators_of(
    delegated: Iterable[OperatorDelegated], time: UnixSeconds
) -> dict[OrganisationId, OrganisationId]:
    """Organisation → its operator at a time; `delegated` in the order of the chain. Who is its own
    operator is absent."""
    given: dict[tuple[OrganisationId, OrganisationId], UnixSeconds] = {}
    for event in delegated:
        given.pop((event.organisation, event.operator), None)
        if event.scopes:
            given[event.organisation, event.operator] = event.expires_at
    return {
        organisation: operator
        for (organisation, operator), expires_at in given.items()
        if time < expires_at
    }


def by_operator(
    volumes: Mapping[OrganisationId, int], operators: Mapping[OrganisationId, OrganisationId]
) -> dict[OrganisationId, int]:
    """What organisations do, in leaves, units or base units, summed by their operators."""
    sums: dict[OrganisationId, int] = {}
    for organisation, volume in volumes.items():
        operator = operators.get(organisation, organisation)
        sums[operator] = sums.get(operator, 0) + volume
    return sums


def share_bps_rounded_down(part: int, whole: int) -> int:
    """A part in hundredths of a percent of the whole; 0 of nothing."""
    return part * WHOLE_SHARE_BPS // whole if whole else 0


def herfindahl_rounded_down(volumes: Collection[int]) -> int:
    """The sum of the squared shares, from 0 (of nothing) to 10,000."""
    whole = sum(volumes)
    if not whole:
        return 0
    return WHOLE_INDEX * sum(volume * volume for volume in volumes) // (whole * whole)


def concentration_of(index: int) -> Concentration:
    """The level that an index stands for."""
    if index < MODERATE_FROM:
        return Concentration.LOW
    return Concentration.MODERATE if index < HIGH_FROM else Concentration.HIGH
