"""Which events a reader of the feed wants, by the names in the contracts' interfaces."""

from __future__ import annotations

from collections.abc import Iterable

from node.problems import Problem
from protocol.events import EVENT_TYPES


def require_event_names(names: Iterable[str]) -> frozenset[str]:
    """The names as a set; a 422 problem for one that no contract reports."""
    asked = frozenset(names)
    unknown = sorted(asked - EVENT_TYPES.keys())
    if unknown:
        raise Problem.of(
            "request-invalid",
            f"No contract reports an event {unknown[0]!r}.",
            f"Choose among {', '.join(sorted(EVENT_TYPES))}.",
        ).about("names")
    return asked
