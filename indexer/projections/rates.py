"""Commission rates by category, from a period on."""

from __future__ import annotations

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.rows import Row, fact_row
from protocol import events


def rows_of(placed: PlacedEvent) -> list[Row]:
    """Rows of one event; none if the event is not about rates."""
    match placed.event:
        case events.RateSet(category, from_period, rate_bps):
            return [fact_row(tables.rates, placed, category, from_period, rate_bps)]
    return []
