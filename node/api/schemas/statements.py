"""Shapes of statements and rates."""

from __future__ import annotations

from indexer.queries.settlements import SettlementLine
from node.api.schemas.base import Address, AsOf, Hash, Shape
from protocol.periods import booking_month, period_label


class StatementLine(Shape):
    """What one price line brought in one settlement: gross = net + commission."""

    agreement_id: Hash
    consumer: Address
    payee: Address
    category: int
    from_units: int
    to_units: int
    unit_price_minor: int
    gross_minor: int
    commission_minor: int
    net_minor: int
    settled_at: int
    booking_month: str
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
            from_units=line.from_units,
            to_units=line.to_units,
            unit_price_minor=line.unit_price_minor,
            gross_minor=line.gross_minor,
            commission_minor=line.commission_minor,
            net_minor=line.net_minor,
            settled_at=line.settled_at,
            booking_month=period_label(booking_month(line.settled_at)),
            block_number=line.block_number,
            transaction_hash=line.transaction_hash,
        )


class Statement(Shape):
    """A period of use, line by line. `provisional` until its booking month is closed; late
    settlements are booked in a later month. Use times are asserted by the consumer."""

    as_of: AsOf
    period: str
    organisation: Address | None
    provisional: bool
    use_times: str
    lines: list[StatementLine]
    gross_minor: int
    commission_minor: int
    net_minor: int


class Rate(Shape):
    """A rate from a period on, until the next one of its category."""

    category: int
    from_period: str
    rate_bps: int
    set_at: int


class Rates(Shape):
    """Every rate ever set, and what is in force now."""

    as_of: AsOf
    history: list[Rate]
    in_force: dict[int, int]
