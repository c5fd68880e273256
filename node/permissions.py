"""Who may do what: a caller's role and areas give rights. Pure rules, the only place that has them.

A right is written `area:read` or `area:write`, and is what a route asks for. Whatever is not
granted here is refused; a role or an area that nobody knows grants nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache


class AccessRole(StrEnum):
    """What a caller does for its organisation."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Area(StrEnum):
    """A part of what an organisation has on a node; a key or a person may be limited to some."""

    AGREEMENTS = "agreements"
    CONSENTS = "consents"
    USAGE = "usage"
    EVENTS = "events"
    WEBHOOKS = "webhooks"
    ACCESS = "access"
    HOSTING = "hosting"


ALL_AREAS = frozenset(Area)
DAILY_WORK = frozenset({Area.CONSENTS, Area.USAGE})

READ: Mapping[str, frozenset[Area]] = {
    AccessRole.ADMIN: ALL_AREAS,
    AccessRole.OPERATOR: ALL_AREAS - {Area.ACCESS, Area.HOSTING},
    AccessRole.AUDITOR: ALL_AREAS,
}
WRITTEN: Mapping[str, frozenset[Area]] = {
    AccessRole.ADMIN: ALL_AREAS,
    AccessRole.OPERATOR: DAILY_WORK,
    AccessRole.AUDITOR: frozenset(),
}


def right(area: Area, write: bool = False) -> str:
    """The right that a route asks for."""
    return f"{area}:{'write' if write else 'read'}"


@lru_cache(maxsize=1_024)
def rights_of(role: str, areas: frozenset[str] | None) -> frozenset[str]:
    """All that a role may do within some areas; None is all of them, those to come included."""
    within = ALL_AREAS if areas is None else areas
    reads = {right(area) for area in READ.get(role, ()) if area in within}
    writes = {right(area, write=True) for area in WRITTEN.get(role, ()) if area in within}
    return frozenset(reads | writes)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key or a person may do, and until when; None is without an end."""

    role: str
    areas: frozenset[str] | None = None
    expires_at: datetime | None = None

    @property
    def rights(self) -> frozenset[str]:
        """All of them, as `rights_of`."""
        return rights_of(self.role, self.areas)

    def covers(self, other: Grant) -> bool:
        """Whether its holder may give the other away: nobody gives more than they have, nor for
        longer."""
        lasts = self.expires_at is None or (
            other.expires_at is not None and other.expires_at <= self.expires_at
        )
        return lasts and other.rights <= self.rights


def roles_with(asked: str) -> list[str]:
    """The roles that have a right, when their areas do not take it away."""
    return [role for role in AccessRole if asked in rights_of(role, None)]


MANAGES_ACCESS = right(Area.ACCESS, write=True)
"""Who has this can let others in: an organisation must never be without."""
