"""Rules of the events of ConsentRegistry."""

from __future__ import annotations

from typing import Any

from protocol import events
from protocol.errors import AlreadyAnchored
from protocol.events import Origin
from protocol.ledger_rules.rule import NO_POSTINGS, Postings, Rule, contradiction, nothing
from protocol.ledger_state import Anchor, LeafPosition, LedgerState
from protocol.merkle import root_of


def _anchor(state: LedgerState, event: events.LeavesAnchored, origin: Origin) -> Postings:
    key = (event.issuer, event.root)
    if key in state.anchors:
        raise AlreadyAnchored(issuer=event.issuer, root=event.root)
    if event.first_index != state.log_size:
        raise contradiction(origin, f"index {state.log_size} is missing from the log")
    if not event.leaves or root_of(event.leaves) != event.root:
        raise contradiction(origin, "the leaves have another root")
    size = len(event.leaves)
    state.anchors[key] = Anchor(origin.block_time, size, event.first_index, origin)
    state.log_size += size
    for index, leaf in enumerate(event.leaves):
        position = LeafPosition(event.root, index, origin.block_time)
        state.leaves.setdefault((event.issuer, leaf), position)
    return NO_POSTINGS


def _end(state: LedgerState, event: events.ConsentEnded, origin: Origin) -> Postings:
    key = (event.who, event.leaf)
    if key in state.endings:
        raise contradiction(origin, "this leaf was ended in this namespace before")
    state.endings[key] = origin.block_time
    return NO_POSTINGS


RULES: dict[type[Any], Rule] = {
    events.LeavesAnchored: _anchor,
    events.ConsentEnded: _end,
    events.WithdrawalRefused: nothing,
}
"""From the type of an event to its rule."""
