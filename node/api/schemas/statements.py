"""Shapes of statements and rates."""

from __future__ import annotations

from indexer.queries.settlements import SettlementLine
from node.api.schemas.base import Address, AsOf, Hash, ProvenBy, Shape
from protocol.booking import is_of_previous_periods
from protocol.periods import booking_month, period_label


class StatementLine(Shape):
    """What one price line brought in one settlement: gross = net + commission. `period` is the
    month of use, UTC; `previousPeriods` says that it is before the statement's month."""

    agreement_id: Hash
    consumer: Address
    payee: Address
    category: int
    period: str
    previous_periods: bool
    from_units: int
    to_units: int
    unit_price_minor: int
    gross_minor: int
    commission_minor: int
    net_minor: int
    settled_at: int
    block_number: int
    transaction_hash: Hash

    @classmethod
    def of(cls, line: SettlementLine) -> StatementLine:
        """From the index."""
        return cls(
            agreement_id=line.agreement_id,
            consumer=line.consumer,
            payee=line.payee,
            category=line.category,
            period=period_label(line.period),
            previous_periods=is_of_previous_periods(line.period, booking_month(line.settled_at)),
            from_units=line.from_units,
            to_units=line.to_units,
            unit_price_minor=line.unit_price_minor,
            gross_minor=line.gross_minor,
            commission_minor=line.commission_minor,
            net_minor=line.net_minor,
            settled_at=line.settled_at,
            block_number=line.block_number,
            transaction_hash=line.transaction_hash,
        )


class Statement(Shape):
    """What was settled in a month: a page of its lines, and what all of them add up to. `next` is
    the value for `after`, null on the last page. `provisional` until a block of a later month is
    final; then it never changes. Use times are asserted by the consumer."""

    as_of: AsOf
    month: str
    organisation: Address | None
    provisional: bool
    use_times: str
    lines: list[StatementLine]
    gross_minor: int
    commission_minor: int
    net_minor: int
    next: str | None


class Rate(Shape):
    """A rate from a period on, until the next one of its category."""

    category: int
    from_period: str
    rate_bps: int
    set_at: int


class Rates(Shape):
    """A page of the rates ever set, and all that are in force now. `next` is the value for `after`,
    null on the last page."""

    as_of: AsOf
    at: int | None
    proven_by: ProvenBy
    history: list[Rate]
    in_force: dict[int, int]
    next: str | None
