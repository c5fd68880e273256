"""The events and the settled lines behind the figures, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.queries.accounts import block_at
from indexer.queries.events import EventRow, Place, events_from
from protocol.periods import period_start
from protocol.types import Period

PAGE_ROWS = 50
KINDS: dict[str, tuple[str, ...]] = {
    "leaves": ("LeavesAnchored",),
    "endings": ("ConsentEnded",),
    "use": ("UsageSettled",),
    "delegations": ("OperatorDelegated",),
    "rates": ("RateSet",),
    "proposals": ("CallScheduled", "CallExecuted", "Cancelled"),
    "tokens": ("Issued", "Redeemed"),
    "holdings": ("Transfer",),
    "deposits": ("Deposited", "Left", "UsageSettled"),
    "balances": ("UsageSettled", "BalanceClaimed"),
    "commission": ("UsageSettled", "CommissionPaidOut"),
    "treasury": ("CommissionPaidOut", "Granted", "Transfer"),
}
"""From what is counted to the events that make it; a transfer may reach the treasury by itself."""


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Events in the order of the chain, and the place of the next page."""

    events: list[EventRow]
    next: Place | None


def list_events(
    connection: Connection, kind: str, month: Period | None, after: Place, block_number_max: int
) -> EventsPage:
    """Events of a kind, of one month in UTC or all, from a place on."""
    first = after
    if month is not None:
        before = block_at(connection, period_start(month) - 1)
        first = max(after, Place(0 if before is None else before.block_number + 1, 0))
        last = block_at(connection, period_start(Period(month + 1)) - 1)
        block_number_max = -1 if last is None else min(block_number_max, last.block_number)
    events = events_from(connection, first, block_number_max, KINDS[kind], PAGE_ROWS + 1)
    more = events[PAGE_ROWS].place if len(events) > PAGE_ROWS else None
    return EventsPage(events[:PAGE_ROWS], more)
