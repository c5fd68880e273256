"""Says what an event reports: its arguments as people write such values.

The types of the event's dataclass tell what an argument is: a month, a rate, an amount, a time.
What has no words of its own, such as a hash, stays as the ledger has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from indexer.queries.events import EventRow
from node.api.texts import TIME_MAX
from node.api.wording import Wording
from protocol.commission import LineAmount
from protocol.events import EVENT_TYPES
from protocol.types import AmountMinor, Period, RateBps, Units, UnixSeconds


def arguments_in_words(event: EventRow, wording: Wording) -> Iterator[tuple[str, str, bool]]:
    """Each argument's own name and its value; whether that is as the ledger has it."""
    kinds = _kinds(event.name)
    for (name, value), kind in zip(event.arguments.items(), kinds, strict=True):
        write = WRITERS.get(kind)
        yield name, str(value) if write is None else write(wording, value), write is None


@cache
def _kinds(name: str) -> tuple[Any, ...]:
    """The types of an event's arguments, in their order."""
    kind = EVENT_TYPES[name]
    hints = get_type_hints(kind)
    return tuple(hints[each.name] for each in fields(kind))


def _money(wording: Wording, value: Any) -> str:
    return wording.money(AmountMinor(int(value)))


def _time(wording: Wording, value: Any) -> str:
    """What ends later than any calendar does not end."""
    seconds = UnixSeconds(int(value))
    return wording.time(seconds) if seconds <= TIME_MAX else wording.say("governance.events.ends")


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
    UnixSeconds: _time,
    tuple[LineAmount, ...]: _lines,
}
