"""Settlements, line by line: what a statement lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select, tuple_

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


class LinePlace(NamedTuple):
    """Where a line stands in one history of the chain; places sort as they were settled."""

    block_number: int
    log_index: int
    line_index: int


@dataclass(frozen=True, slots=True)
class LineTotals:
    """What lines add up to, in base units."""

    gross_minor: AmountMinor
    commission_minor: AmountMinor

    @property
    def net_minor(self) -> AmountMinor:
        """What the payees get."""
        return AmountMinor(self.gross_minor - self.commission_minor)


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
    log_index: int
    transaction_hash: bytes

    @property
    def place(self) -> LinePlace:
        """Where it stands on the chain."""
        return LinePlace(self.block_number, self.log_index, self.line_index)

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
    connection: Connection,
    month: BookingMonth,
    organisation: bytes | None,
    after: LinePlace | None = None,
    limit: int | None = None,
) -> list[SettlementLine]:
    """Lines that were settled in a booking month, whatever their period of use, in the order of the
    chain; all, or those in which the organisation pays or is paid; those after a place."""
    return _lines(connection, _booked_in(month, organisation), after, limit)


def lines_of_use(
    connection: Connection,
    first: Period,
    last: Period,
    category: Category | None,
    after: LinePlace | None = None,
    limit: int | None = None,
) -> list[SettlementLine]:
    """Lines of these months of use, both included, of all categories of commons or of one, in the
    order of the chain; those after a place."""
    statement = _settled_lines().where(tables.settlements.c.period.between(first, last))
    if category is not None:
        statement = statement.where(tables.settlement_lines.c.category == category)
    return _lines(connection, statement, after, limit)


def totals_booked_in(
    connection: Connection, month: BookingMonth, organisation: bytes | None
) -> LineTotals:
    """What all lines of a booking month, or of an organisation in it, add up to."""
    lines = tables.settlement_lines.c
    sums = (
        func.coalesce(func.sum(column), 0) for column in (lines.gross_minor, lines.commission_minor)
    )
    statement = _booked_in(month, organisation).with_only_columns(*sums, maintain_column_froms=True)
    gross, commission = connection.execute(statement).one()
    return LineTotals(AmountMinor(int(gross)), AmountMinor(int(commission)))


def _lines(
    connection: Connection, statement: Select[Any], after: LinePlace | None, limit: int | None
) -> list[SettlementLine]:
    settlements, lines, blocks = tables.settlements, tables.settlement_lines, tables.blocks
    place = (lines.c.block_number, lines.c.log_index, lines.c.line_index)
    page = (
        statement.with_only_columns(
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
            settlements.c.log_index,
            transaction_of(settlements),
            maintain_column_froms=True,
        )
        .order_by(*place)
        .limit(limit)
    )
    if after is not None:
        page = page.where(tuple_(*place) > tuple_(*after))
    return [_line(row) for row in connection.execute(page)]


def _booked_in(month: BookingMonth, organisation: bytes | None) -> Select[Any]:
    begin, end = (
        booking_month_start(BookingMonth(min(number, PERIOD_MAX))) for number in (month, month + 1)
    )
    settlements, lines, blocks = tables.settlements, tables.settlement_lines, tables.blocks
    statement = _settled_lines().where(blocks.c.block_time >= begin, blocks.c.block_time < end)
    if organisation is None:
        return statement
    return statement.where(
        (settlements.c.consumer == organisation) | (lines.c.payee == organisation)
    )


def _settled_lines() -> Select[Any]:
    settlements, lines, blocks = tables.settlements, tables.settlement_lines, tables.blocks
    return (
        select(settlements.c.agreement_id)
        .join(
            lines,
            (lines.c.block_number == settlements.c.block_number)
            & (lines.c.log_index == settlements.c.log_index),
        )
        .join(blocks, in_block(settlements))
    )


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


def settled_units_under(
    connection: Connection, agreements: Collection[bytes]
) -> dict[tuple[AgreementId, OrganisationId, Period], Units]:
    """Units settled so far under these agreements, by agreement, consumer and period of use."""
    settlements = tables.settlements
    key = (settlements.c.agreement_id, settlements.c.consumer, settlements.c.period)
    statement = (
        select(*key, func.max(settlements.c.to_units))
        .where(settlements.c.agreement_id.in_(agreements))
        .group_by(*key)
    )
    return {
        (AgreementId(agreement), OrganisationId(consumer), Period(period)): Units(int(units))
        for agreement, consumer, period, units in connection.execute(statement)
    }


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
