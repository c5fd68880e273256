"""What use brought by period, category of commons and consumer, as far as it is settled.

A period is the month of use in UTC, whenever it was settled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Subquery, func, select, tuple_

from indexer import tables
from protocol.commission import WHOLE_BPS
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    OrganisationId,
    Period,
    RateBps,
    Units,
)


@dataclass(frozen=True, slots=True)
class Use:
    """Units settled and what they brought, in base units."""

    units: Units
    gross_minor: AmountMinor
    commission_minor: AmountMinor

    @property
    def net_minor(self) -> AmountMinor:
        """What the payees get."""
        return AmountMinor(self.gross_minor - self.commission_minor)


class UseOfMonths(NamedTuple):
    """The same use of some months, by the month and by who used."""

    by_period: dict[Period, Use]
    by_consumer: dict[OrganisationId, Use]


@dataclass(frozen=True, slots=True)
class PaidUse:
    """What a consumer's use under an agreement brought one payee in a month of use."""

    agreement_id: AgreementId
    consumer: OrganisationId
    period: Period
    use: Use


@dataclass(frozen=True, slots=True)
class AtAnotherRate:
    """What a category brought in a period: the commission that was paid, and that of another rate,
    in base units."""

    gross_minor: AmountMinor
    commission_minor: AmountMinor
    proposed_minor: AmountMinor


def use_by_period_and_consumer(connection: Connection, first: Period, last: Period) -> UseOfMonths:
    """Of each of these periods, both included, in which anything was used, and of each organisation
    that used something in them; in one reading."""
    settlements = tables.settlements.c
    once = _once_a_settlement(first, last, settlements.period, settlements.consumer)
    keys = (once.c.period, once.c.consumer)
    statement = (
        select(*keys, *_sums_of(once))
        .group_by(func.grouping_sets(*(tuple_(key) for key in keys)))
        .order_by(*keys)
    )
    found = UseOfMonths({}, {})
    for period, consumer, *sums in connection.execute(statement):
        if consumer is None:
            found.by_period[Period(period)] = _use(*sums)
        else:
            found.by_consumer[OrganisationId(consumer)] = _use(*sums)
    return found


def use_by_category(connection: Connection, first: Period, last: Period) -> dict[Category, Use]:
    """Of each category of commons in these periods. Units that several categories bill count in
    each of them."""
    category = tables.settlement_lines.c.category
    once = _once_a_settlement(first, last, by=category)
    statement = select(once.c.category, *_sums_of(once)).where(once.c.category.is_not(None))
    rows = connection.execute(statement.group_by(once.c.category).order_by(once.c.category))
    return {Category(found): _use(*sums) for found, *sums in rows}


def use_paid_to(connection: Connection, payee: bytes, first: Period, last: Period) -> list[PaidUse]:
    """What an organisation was paid for, the newest month of use first; units are those of the
    lines that pay it, counted once a settlement."""
    settlements, lines = tables.settlements.c, tables.settlement_lines.c
    place = (settlements.agreement_id, settlements.consumer, settlements.period)
    once = (
        _settled_lines(first, last)
        .with_only_columns(
            *place,
            (settlements.to_units - settlements.from_units).label("units"),
            func.sum(lines.gross_minor).label("gross"),
            func.sum(lines.commission_minor).label("commission"),
            maintain_column_froms=True,
        )
        .where(lines.payee == payee)
        .group_by(settlements.block_number, settlements.log_index, *place)
        .subquery()
    )
    key = (once.c.agreement_id, once.c.consumer, once.c.period)
    statement = select(*key, *_sums_of(once)).group_by(*key)
    rows = connection.execute(statement.order_by(once.c.period.desc(), *key[:2]))
    return [
        PaidUse(agreement, consumer, period, _use(*sums))
        for agreement, consumer, period, *sums in rows
    ]


def commission_at_another_rate(
    connection: Connection, category: Category, rate_bps: RateBps, first: Period, last: Period
) -> dict[Period, AtAnotherRate]:
    """By period, as `protocol.commission.commission_at_rate` counts: rounded down once for each
    agreement, consumer, period and line."""
    settlements, lines = tables.settlements.c, tables.settlement_lines.c
    brought = (
        _settled_lines(first, last)
        .with_only_columns(
            settlements.period,
            func.sum(lines.gross_minor).label("gross"),
            func.sum(lines.commission_minor).label("commission"),
            maintain_column_froms=True,
        )
        .where(lines.category == category)
        .group_by(
            settlements.agreement_id, settlements.consumer, settlements.period, lines.line_index
        )
        .subquery()
    )
    proposed = func.sum(func.div(brought.c.gross * rate_bps, WHOLE_BPS))
    statement = select(
        brought.c.period, func.sum(brought.c.gross), func.sum(brought.c.commission), proposed
    ).group_by(brought.c.period)
    return {
        Period(period): AtAnotherRate(*(AmountMinor(int(amount)) for amount in amounts))
        for period, *amounts in connection.execute(statement)
    }


def _once_a_settlement(
    first: Period, last: Period, *columns: Any, by: ColumnElement[Any] | None = None
) -> Subquery:
    """Units and amounts of each settlement, with these columns of it; `by` divides its lines."""
    settlements, lines = tables.settlements.c, tables.settlement_lines.c
    divided = () if by is None else (by,)
    return (
        _settled_lines(first, last)
        .with_only_columns(
            *columns,
            *divided,
            (settlements.to_units - settlements.from_units).label("units"),
            func.coalesce(func.sum(lines.gross_minor), 0).label("gross"),
            func.coalesce(func.sum(lines.commission_minor), 0).label("commission"),
            maintain_column_froms=True,
        )
        .group_by(settlements.block_number, settlements.log_index, *divided)
        .subquery()
    )


def _sums_of(once: Subquery) -> Iterator[ColumnElement[Any]]:
    return (func.sum(column) for column in (once.c.units, once.c.gross, once.c.commission))


def _use(units: Any, gross: Any, commission: Any) -> Use:
    """Sums come as Decimal."""
    return Use(Units(int(units)), AmountMinor(int(gross)), AmountMinor(int(commission)))


def _settled_lines(first: Period, last: Period) -> Select[Any]:
    """Settlements with their lines; terms without a price have none, and their units count."""
    settlements, lines = tables.settlements, tables.settlement_lines
    return (
        select(settlements.c.period)
        .outerjoin(
            lines,
            (lines.c.block_number == settlements.c.block_number)
            & (lines.c.log_index == settlements.c.log_index),
        )
        .where(settlements.c.period.between(first, last))
    )
