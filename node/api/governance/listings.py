"""The events behind the figures, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.queries.accounts import block_at
from indexer.queries.events import EventRow, Place, events_from
from indexer.queries.participants import find_dids
from node.api.governance.event_words import organisations_in
from protocol.periods import period_start
from protocol.types import OrganisationId, Period

PAGE_ROWS = 50
KINDS: dict[str, tuple[str, ...]] = {
    "leaves": ("LeavesAnchored",),
    "endings": ("ConsentEnded",),
    "use": ("UsageSettled",),
    "delegations": ("OperatorDelegated",),
    "participants": (
        *("ParticipantAdmitted", "ParticipantClassified", "ParticipantDescribed"),
        *("ParticipantSuspended", "ParticipantReinstated", "AccountBound", "AccountRetired"),
        *("OperatorDelegated", "RecoveryAnnounced", "RecoveryCancelled"),
    ),
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
BY_ORGANISATION = ("participants", "delegations", "use")
"""Kinds of which those that name one organisation are found without reading all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for: of one month in UTC or all, of one organisation or all."""

    kind: str
    month: Period | None = None
    organisation: bytes | None = None


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Events in the order of the chain, the place of the next page, and the DIDs of the
    organisations that these events name."""

    events: list[EventRow]
    next: Place | None
    dids: dict[OrganisationId, str]


def list_events(
    connection: Connection, wanted: Wanted, after: Place, block_number_max: int
) -> EventsPage:
    """What is asked for, from a place on."""
    first, month = after, wanted.month
    if month is not None:
        before = block_at(connection, period_start(month) - 1)
        first = max(after, Place(0 if before is None else before.block_number + 1, 0))
        last = block_at(connection, period_start(Period(month + 1)) - 1)
        block_number_max = -1 if last is None else min(block_number_max, last.block_number)
    events = events_from(
        connection,
        first,
        block_number_max,
        KINDS[wanted.kind],
        PAGE_ROWS + 1,
        wanted.organisation,
    )
    shown = events[:PAGE_ROWS]
    named = organisations_in(shown)
    if wanted.organisation is not None:
        named.add(wanted.organisation)
    more = events[PAGE_ROWS].place if len(events) > PAGE_ROWS else None
    return EventsPage(shown, more, find_dids(connection, named))
