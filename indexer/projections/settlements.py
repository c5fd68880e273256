"""Settlements: units from and to, and what each price line brought."""

from __future__ import annotations

from typing import Any

from indexer import tables
from indexer.decode import PlacedEvent, UndecodableLog
from indexer.projections.known import Known
from indexer.rows import Rows
from protocol.agreement import PriceLine
from protocol.events import UsageSettled

PriceLines = tuple[PriceLine, ...]


def lines_settled(event: UsageSettled, lines: PriceLines | None) -> PriceLines:
    """The price lines that the amounts of a settlement are of, given those of its agreement; None
    if no proposal explains that. Whoever reads settlements asks here which ones can be read.

    Raises UndecodableLog if there are none, or not as many as amounts.
    """
    if lines is None:
        raise UndecodableLog(f"agreement 0x{event.agreement_id.hex()} was never proposed")
    if len(lines) != len(event.amounts):
        raise UndecodableLog(f"{len(event.amounts)} amounts for {len(lines)} price lines")
    return lines


def settlement_values(event: UsageSettled) -> tuple[Any, ...]:
    """The row of the settlement after its place."""
    amounts = [
        {"gross": str(amount.gross), "commission": str(amount.commission_rounded_down)}
        for amount in event.amounts
    ]
    key = (event.agreement_id, event.consumer, event.period)
    return (*key, event.from_units, event.to_units, event.usage_root, amounts)


def add_settlement(rows: Rows, known: Known, placed: PlacedEvent) -> None:
    """The settlement and its lines. Raises LogGap if it does not begin at what is settled, and
    UndecodableLog if it has another number of amounts than its agreement has lines."""
    event = placed.event
    assert isinstance(event, UsageSettled)
    key = (event.agreement_id, event.consumer, event.period)
    lines = lines_settled(event, known.lines_of(event.agreement_id))
    known.take_settlement(key, event.from_units, event.to_units)
    place = (placed.block.block_number, placed.log_index)
    rows.add(tables.settlements, (*place, *settlement_values(event)))
    for index, (line, amount) in enumerate(zip(lines, event.amounts, strict=True)):
        price = (line.payee, line.category, line.unit_price)
        rows.add(
            tables.settlement_lines,
            (*place, index, *price, amount.gross, amount.commission_rounded_down),
        )
