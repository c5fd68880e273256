"""What an organisation has recorded of its uses, by agreement and month, and what that costs by the
agreements' price lines.

The costs are those of the protocol: from the first unit of the month on, at the rate of the month,
the commission rounded down once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import price_lines_of
from indexer.queries.rates import rates_in_force
from indexer.queries.settlements import settled_units_under
from node import tables
from node.db import query
from node.problems import not_found, refused
from protocol.agreement import PriceLine
from protocol.commission import (
    LineAmount,
    commission_rounded_down,
    gross,
    total_commission,
    total_gross,
)
from protocol.errors import UnknownCategory
from protocol.periods import PERIOD_MAX
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Leaf,
    OrganisationId,
    Period,
    RateBps,
    Units,
    UnixSeconds,
    to_hex,
)

_COUNTED = text(
    "WITH RECURSIVE counted AS ("
    " (SELECT u.agreement_id, u.period, u.position FROM node.uses u"
    "  WHERE u.organisation_id = :own"
    "  ORDER BY u.agreement_id DESC, u.period DESC, u.position DESC LIMIT 1)"
    " UNION ALL SELECT before.* FROM counted c, LATERAL"
    " (SELECT u.agreement_id, u.period, u.position FROM node.uses u"
    "  WHERE u.organisation_id = :own AND (u.agreement_id, u.period) < (c.agreement_id, c.period)"
    "  ORDER BY u.agreement_id DESC, u.period DESC, u.position DESC LIMIT 1) AS before"
    ") SELECT agreement_id, period, position + 1 AS units FROM counted"
    " WHERE period BETWEEN :first AND :last ORDER BY period DESC, agreement_id"
)
"""From month to month by the key: the last position of each, and no use besides is read."""


@dataclass(frozen=True, slots=True)
class LineOfUse:
    """What one price line asks for the units of a month, at the rate of the month."""

    line: PriceLine
    rate_bps: RateBps
    units: Units
    amount: LineAmount

    @property
    def free_units_used(self) -> Units:
        """How many of the line's free units are used up."""
        return Units(min(self.units, self.line.free_units))


@dataclass(frozen=True, slots=True)
class MonthOfUse:
    """Units recorded by the organisation, and how many of them the chain has settled."""

    agreement_id: AgreementId
    period: Period
    units: Units
    settled_units: Units
    lines: tuple[LineOfUse, ...]

    @property
    def gross_minor(self) -> AmountMinor:
        """What all lines ask for, in base units."""
        return total_gross([each.amount for each in self.lines])

    @property
    def commission_minor(self) -> AmountMinor:
        """The association's share of it, in base units."""
        return total_commission([each.amount for each in self.lines])


class Use(NamedTuple):
    """One use: its place in the month, and the consent behind which it was recorded."""

    position: int
    consent_leaf: Leaf
    used_at: UnixSeconds


async def uses_by_month(
    connection: AsyncConnection, organisation: OrganisationId, first: Period, last: Period
) -> list[MonthOfUse]:
    """Of the current organisation, the newest month first; those from `first` to `last`."""
    asked = {"own": organisation, "first": first, "last": last}
    rows = (await connection.execute(_COUNTED, asked)).all()
    agreements = sorted({row.agreement_id for row in rows})
    settled = await query(connection, settled_units_under, agreements)
    return [
        MonthOfUse(
            row.agreement_id,
            row.period,
            row.units,
            settled.get((row.agreement_id, organisation, row.period), Units(0)),
            await _lines(connection, row.agreement_id, row.period, row.units),
        )
        for row in rows
    ]


async def recorded_units(
    connection: AsyncConnection, organisation: OrganisationId
) -> dict[tuple[AgreementId, OrganisationId, Period], Units]:
    """Units that the current organisation ever recorded, by agreement, itself and period."""
    asked = {"own": organisation, "first": 0, "last": PERIOD_MAX}
    return {
        (AgreementId(row.agreement_id), organisation, Period(row.period)): Units(row.units)
        for row in await connection.execute(_COUNTED, asked)
    }


async def month_used_before(
    connection: AsyncConnection, organisation: OrganisationId, period: Period
) -> Period | None:
    """The newest month before a period in which the current organisation recorded anything."""
    before = {"own": organisation, "first": 0, "last": period - 1}
    row = (await connection.execute(_COUNTED, before)).first()
    return None if row is None else Period(row.period)


async def find_month_of_use(
    connection: AsyncConnection,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    period: Period,
) -> MonthOfUse:
    """One month of the current organisation; without a unit where nothing was recorded. Raises a
    problem for an agreement that was never proposed, and for a month without a rate."""
    uses = tables.uses
    place = (uses.c.agreement_id == agreement_id, uses.c.period == period)
    newest = select(uses.c.position).where(*place).order_by(uses.c.position.desc()).limit(1)
    found = await connection.scalar(newest)
    units = Units(0 if found is None else found + 1)
    settled = await query(connection, settled_units_under, [agreement_id])
    return MonthOfUse(
        agreement_id,
        period,
        units,
        settled.get((agreement_id, organisation, period), Units(0)),
        await _lines(connection, agreement_id, period, units),
    )


async def list_uses(
    connection: AsyncConnection,
    agreement_id: AgreementId,
    period: Period,
    before: int | None,
    limit: int,
) -> list[Use]:
    """Uses that the current organisation recorded, the newest first; those before a position."""
    uses = tables.uses
    statement = (
        select(uses.c.position, uses.c.consent_leaf, uses.c.used_at)
        .where(uses.c.agreement_id == agreement_id, uses.c.period == period)
        .order_by(uses.c.position.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(uses.c.position < before)
    return [Use(*row) for row in await connection.execute(statement)]


def price_of(
    lines: Sequence[PriceLine], rates: Mapping[Category, RateBps], period: Period, units: Units
) -> tuple[LineOfUse, ...]:
    """What each line asks for the first `units` units of a month, at the rates in force in it.
    Raises a problem for a month before the first rate of a category."""
    asked = []
    for line in lines:
        if line.category not in rates:
            raise refused(UnknownCategory(category=line.category, period=period), "month")
        rate, amount = rates[line.category], gross(units, line)
        share = commission_rounded_down(amount, rate)
        asked.append(LineOfUse(line, rate, units, LineAmount(amount, share)))
    return tuple(asked)


async def _lines(
    connection: AsyncConnection, agreement_id: AgreementId, period: Period, units: Units
) -> tuple[LineOfUse, ...]:
    lines = await query(connection, price_lines_of, agreement_id)
    if lines is None:
        raise not_found("agreement", to_hex(agreement_id), "Name a concluded agreement.")
    rates = await query(connection, rates_in_force, period)
    return price_of(lines, rates, period, units)
