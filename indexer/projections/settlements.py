"""Settlements: units from and to, and what each price line brought; requests to leave."""

from __future__ import annotations

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.rows import Row, fact_row
from indexer.projections.terms import LinesOf
from protocol import events


def rows_of(placed: PlacedEvent, lines_of: LinesOf) -> list[Row]:
    """Rows of one event; none if the event is not about settlements."""
    match placed.event:
        case events.UsageSettled() as settled:
            return _settlement_rows(placed, settled, lines_of)
        case events.LeavingRequested(agreement_id, consumer, amount, executable_at):
            values = (agreement_id, consumer, amount, executable_at)
            return [fact_row(tables.leavings, placed, *values)]
    return []


def _settlement_rows(
    placed: PlacedEvent, settled: events.UsageSettled, lines_of: LinesOf
) -> list[Row]:
    settlement = fact_row(
        tables.settlements,
        placed,
        settled.agreement_id,
        settled.consumer,
        settled.period,
        settled.from_units,
        settled.to_units,
        settled.usage_root,
    )
    lines = lines_of(settled.agreement_id)
    return [settlement] + [
        fact_row(
            tables.settlement_lines,
            placed,
            index,
            line.payee,
            line.category,
            line.unit_price,
            amount.gross,
            amount.commission_rounded_down,
        )
        for index, (line, amount) in enumerate(zip(lines, settled.amounts, strict=True))
    ]
