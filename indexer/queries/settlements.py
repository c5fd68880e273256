"""Settlements, line by line: what a statement lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from indexer import tables
from indexer.queries.places import in_block, transaction_of
from protocol.periods import PERIOD_MAX, booking_month_start
from protocol.types import (
    AgreementId,
    AmountMinor,
    BookingMonth,
    Category,
    OrganisationId,
    Period,
    Units,
    UnixSeconds,
)


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """What one price line brought in one settlement; net = gross − commission goes to the payee."""

    agreement_id: AgreementId
    consumer: OrganisationId
    period: Period
    from_units: Units
    to_units: Units
    line_index: int
    payee: OrganisationId
    category: Category
    unit_price_minor: AmountMinor
    gross_minor: AmountMinor
    commission_minor: AmountMinor
    settled_at: UnixSeconds
    block_number: int
    transaction_hash: bytes

    @property
    def net_minor(self) -> AmountMinor:
        """What the payee gets."""
        return AmountMinor(self.gross_minor - self.commission_minor)


@dataclass(frozen=True, slots=True)
class SettlementPlace:
    """The transaction of a settlement."""

    block_number: int
    transaction_hash: bytes


def lines_booked_in(
    connection: Connection, month: BookingMonth, organisation: bytes | None
) -> list[SettlementLine]:
    """Lines that were settled in a booking month, whatever their period of use, in the order of the
    chain; all, or those in which the organisation pays or is paid."""
    begin, end = (
        booking_month_start(BookingMonth(min(number, PERIOD_MAX))) for number in (month, month + 1)
    )
    settlements, lines, blocks = tables.settlements, tables.settlement_lines, tables.blocks
    statement = (
        select(
            settlements.c.agreement_id,
            settlements.c.consumer,
            settlements.c.period,
            settlements.c.from_units,
            settlements.c.to_units,
            lines.c.line_index,
            lines.c.payee,
            lines.c.category,
            lines.c.unit_price_minor,
            lines.c.gross_minor,
            lines.c.commission_minor,
            blocks.c.block_time,
            blocks.c.block_number,
            transaction_of(settlements),
        )
        .join(
            lines,
            (lines.c.block_number == settlements.c.block_number)
            & (lines.c.log_index == settlements.c.log_index),
        )
        .join(blocks, in_block(settlements))
        .where(blocks.c.block_time >= begin, blocks.c.block_time < end)
        .order_by(lines.c.block_number, lines.c.log_index, lines.c.line_index)
    )
    if organisation is not None:
        statement = statement.where(
            (settlements.c.consumer == organisation) | (lines.c.payee == organisation)
        )
    return [_line(row) for row in connection.execute(statement)]


def settled_units(
    connection: Connection, agreement_id: bytes, consumer: bytes, period: int
) -> Units:
    """Units settled so far."""
    settlements = tables.settlements
    statement = select(func.coalesce(func.max(settlements.c.to_units), 0)).where(
        settlements.c.agreement_id == agreement_id,
        settlements.c.consumer == consumer,
        settlements.c.period == period,
    )
    return Units(int(connection.execute(statement).scalar_one()))


def last_settlement_block(
    connection: Connection, agreement_id: bytes, consumer: bytes, period: int
) -> int | None:
    """The block of the last settlement of a period."""
    settlements = tables.settlements
    statement = select(func.max(settlements.c.block_number)).where(
        settlements.c.agreement_id == agreement_id,
        settlements.c.consumer == consumer,
        settlements.c.period == period,
    )
    last: int | None = connection.execute(statement).scalar_one()
    return last


def find_settlement_up_to(
    connection: Connection, agreement_id: bytes, consumer: bytes, period: int, units: int
) -> SettlementPlace | None:
    """Where the chain first settled as many units, whoever asked for it; None if it has not."""
    settlements = tables.settlements
    statement = (
        select(settlements.c.block_number, transaction_of(settlements))
        .where(
            settlements.c.agreement_id == agreement_id,
            settlements.c.consumer == consumer,
            settlements.c.period == period,
            settlements.c.to_units >= units,
        )
        .order_by(settlements.c.block_number, settlements.c.log_index)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else SettlementPlace(*row)


def _line(row: Sequence[Any]) -> SettlementLine:
    """Numeric columns come as Decimal; amounts and units are whole numbers."""
    values: list[Any] = [int(value) if isinstance(value, Decimal) else value for value in row]
    return SettlementLine(*values)
