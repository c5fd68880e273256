"""Rules of the events of the timelock: what is proposed waits, and is then made or called off."""

from __future__ import annotations

from typing import Any

from protocol import timelock_events as events
from protocol.events import Origin
from protocol.ledger_rules.rule import NO_POSTINGS, Postings, Rule, contradiction, nothing
from protocol.ledger_state import LedgerState, ProposedCall


def _schedule(state: LedgerState, event: events.CallScheduled, origin: Origin) -> Postings:
    key = (event.id, event.index)
    if key in state.proposed_calls:
        raise contradiction(origin, f"call {event.index} of 0x{event.id.hex()} waits already")
    state.proposed_calls[key] = ProposedCall(
        event.target,
        event.value,
        event.data,
        proposed_at=origin.block_time,
        executable_at=origin.block_time + event.delay,
    )
    return NO_POSTINGS


def _execute(state: LedgerState, event: events.CallExecuted, origin: Origin) -> Postings:
    call = state.proposed_calls.pop((event.id, event.index), None)
    if call is None or (call.target, call.value, call.data) != (
        event.target,
        event.value,
        event.data,
    ):
        raise contradiction(origin, f"call {event.index} of 0x{event.id.hex()} was not proposed")
    if origin.block_time < call.executable_at:
        raise contradiction(origin, f"the call may not be made before {call.executable_at}")
    return NO_POSTINGS


def _cancel(state: LedgerState, event: events.Cancelled, _: Origin) -> Postings:
    for key in [key for key in state.proposed_calls if key[0] == event.id]:
        del state.proposed_calls[key]
    return NO_POSTINGS


RULES: dict[type[Any], Rule] = {
    events.CallScheduled: _schedule,
    events.CallExecuted: _execute,
    events.Cancelled: _cancel,
    events.CallSalt: nothing,
    events.MinDelayChange: nothing,
    events.RoleGranted: nothing,
    events.RoleRevoked: nothing,
    events.RoleAdminChanged: nothing,
}
"""From the type of an event to its rule."""
