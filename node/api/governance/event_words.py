"""Says what an event reports: its arguments as people write such values.

The types of the event's dataclass tell what an argument is: a month, a rate, an amount, a time, an
organisation. What has no words of its own, such as a hash, stays as the ledger has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from indexer.queries.events import EventRow
from node.api.texts import TIME_MAX
from node.api.wording import Wording
from protocol.commission import LineAmount
from protocol.events import EVENT_TYPES
from protocol.types import (
    AmountMinor,
    OrganisationId,
    Period,
    RateBps,
    Role,
    Scope,
    Units,
    UnixSeconds,
    from_hex,
)

WHOSE_NAMESPACE = "who"
"""An argument that may be an organisation, or the one-time key of somebody."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument by its own name; `is_code` where the value is as the ledger has it; the
    organisation that it is, if it is one that was admitted."""

    name: str
    words: str
    is_code: bool
    organisation: bytes | None = None


def arguments_in_words(
    event: EventRow, wording: Wording, dids: Mapping[OrganisationId, str]
) -> Iterator[Argument]:
    """Each argument in the order of the event."""
    for name, value, kind in _arguments_of(event):
        did = dids.get(OrganisationId(from_hex(value))) if _may_name(name, kind) else None
        write = WRITERS.get(name) or WRITERS.get(kind)
        if did is not None:
            yield Argument(name, did, False, from_hex(value))
        elif write is not None:
            yield Argument(name, write(wording, value), False)
        else:
            yield Argument(name, str(value), True)


def organisations_in(events: Iterable[EventRow]) -> set[bytes]:
    """Whatever these events may name as an organisation."""
    return {
        from_hex(value)
        for event in events
        for name, value, kind in _arguments_of(event)
        if _may_name(name, kind)
    }


def _arguments_of(event: EventRow) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and type of each."""
    for (name, value), kind in zip(event.arguments.items(), _kinds(event.name), strict=True):
        yield name, value, kind


@cache
def _kinds(name: str) -> tuple[Any, ...]:
    """The types of an event's arguments, in their order."""
    kind = EVENT_TYPES[name]
    hints = get_type_hints(kind)
    return tuple(hints[each.name] for each in fields(kind))


def _may_name(name: str, kind: Any) -> bool:
    return kind is OrganisationId or name == WHOSE_NAMESPACE


def scopes_in_words(wording: Wording, scopes: int) -> str:
    """What somebody may do, or that it is nothing."""
    said = _flags(wording, "organisation.scopes", Scope(scopes))
    return said or wording.say("governance.participants.mayNothing")


def roles_in_words(wording: Wording, roles: int) -> str:
    """What an organisation is in the data space, or that it has no role."""
    said = _flags(wording, "organisation.participantRoles", Role(roles))
    return said or wording.say("governance.participants.noRole")


def time_in_words(wording: Wording, seconds: int | str) -> str:
    """What ends later than any calendar does not end."""
    time = UnixSeconds(int(seconds))
    return wording.time(time) if time <= TIME_MAX else wording.say("governance.events.ends")


def _flags(wording: Wording, section: str, flags: Scope | Role) -> str:
    return ", ".join(wording.say(f"{section}.{str(flag.name).lower()}") for flag in flags)


def _money(wording: Wording, value: Any) -> str:
    return wording.money(AmountMinor(int(value)))


def _lines(wording: Wording, amounts: Any) -> str:
    said = (
        wording.say(
            "governance.events.line",
            gross=_money(wording, each["gross"]),
            commission=_money(wording, each["commission"]),
        )
        for each in amounts
    )
    return " · ".join(said)


WRITERS: dict[Any, Callable[[Wording, Any], str]] = {
    AmountMinor: _money,
    Period: lambda wording, value: wording.month(Period(int(value))),
    RateBps: lambda wording, value: wording.percent(int(value)),
    Units: lambda wording, value: wording.count(int(value)),
    UnixSeconds: time_in_words,
    tuple[LineAmount, ...]: _lines,
    "scopes": scopes_in_words,
    "roles": roles_in_words,
}
"""By the type of an argument, or by its name where the type is any number."""
