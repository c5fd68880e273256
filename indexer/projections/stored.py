"""What the own table of an event holds of it, whichever way it came there."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from indexer.projections.agreements import proposal_values
from indexer.projections.consents import batch_values
from indexer.projections.settlements import settlement_values
from protocol.events import AgreementProposed, Event, LeavesAnchored, UsageSettled


def stored_values(event: Event) -> tuple[Any, ...]:
    """The columns after block and log index, as the database gives them back."""
    match event:
        case AgreementProposed():
            *ids, terms = proposal_values(event)
            return (*ids, _as_read(terms))
        case LeavesAnchored():
            return batch_values(event)
        case UsageSettled():
            *numbers, amounts = settlement_values(event)
            return (*numbers, _as_read(amounts))
    return tuple(getattr(event, field.name) for field in fields(event))


def _as_read(value: Any) -> Any:
    """A JSON value after its way through the database."""
    return json.loads(json.dumps(value))
