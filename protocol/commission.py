"""What use costs, and the association's share of it.

For price line i and u cumulative units of a period:

    gross_i(u)      = max(0, u - free_i) * price_i
    commission_i(u) = floor(gross_i(u) * rate_i / 10,000)

Settling from a to b pays the differences of these functions between b and a. So a hundred small
settlements give the same base units as one large one, and rounding favours the payee once a
period, not once a settlement. Amounts are base units of the usage token and fit 128 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protocol.agreement import PriceLine
from protocol.errors import RateAboveCap, VoucherNotNewer
from protocol.types import UINT128_MAX, AmountMinor, RateBps, Units

WHOLE_BPS = 10_000
HARD_CAP_BPS = RateBps(1_000)
"""No vote sets a rate above a tenth."""


@dataclass(frozen=True, slots=True)
class LineAmount:
    """What one price line brought in a settlement, in base units."""

    gross: AmountMinor
    commission_rounded_down: AmountMinor


def gross(units: Units, line: PriceLine) -> AmountMinor:
    """The price of the first `units` units of a period, in base units."""
    return AmountMinor(max(0, units - line.free_units) * line.unit_price)


def commission_rounded_down(gross_amount: AmountMinor, rate_bps: RateBps) -> AmountMinor:
    """The association's share of a gross amount, in base units, rounded down."""
    return AmountMinor(gross_amount * rate_bps // WHOLE_BPS)


def settle(
    lines: Sequence[PriceLine], rates: Sequence[RateBps], from_units: Units, to_units: Units
) -> list[LineAmount]:
    """What each line brings when units `from_units` to `to_units` are settled.

    `rates` has one rate a line, that of the period. Raises VoucherNotNewer unless to > from.
    """
    if to_units <= from_units:
        raise VoucherNotNewer(units=to_units, settled_units=from_units)
    return [
        _line_amount(line, rate, from_units, to_units)
        for line, rate in zip(lines, rates, strict=True)
    ]


def net(amount: LineAmount) -> AmountMinor:
    """What the payee gets, in base units."""
    return AmountMinor(amount.gross - amount.commission_rounded_down)


def total_gross(amounts: Sequence[LineAmount]) -> AmountMinor:
    """What the consumer's deposit pays, in base units."""
    return AmountMinor(sum(amount.gross for amount in amounts))


def total_commission(amounts: Sequence[LineAmount]) -> AmountMinor:
    """What the association gets, in base units."""
    return AmountMinor(sum(amount.commission_rounded_down for amount in amounts))


def commission_at_rate(gross_amounts: Iterable[AmountMinor], rate_bps: RateBps) -> AmountMinor:
    """What the association would have got at another rate, in base units, rounded down.

    Each gross amount is all that one price line brought of one consumer in one period, however many
    settlements that took: rounding is once a period. At the rate in force it is what was paid.
    Raises RateAboveCap for a rate that no vote can set.
    """
    if rate_bps > HARD_CAP_BPS:
        raise RateAboveCap(rate_bps=rate_bps, cap_bps=HARD_CAP_BPS)
    return AmountMinor(sum(commission_rounded_down(each, rate_bps) for each in gross_amounts))


def _line_amount(line: PriceLine, rate: RateBps, from_units: Units, to_units: Units) -> LineAmount:
    before, after = gross(from_units, line), gross(to_units, line)
    commission = commission_rounded_down(after, rate) - commission_rounded_down(before, rate)
    # 64-bit units and prices and a rate of at most the whole keep this true.
    assert 0 <= commission <= after - before <= UINT128_MAX, "an amount exceeds 128 bits"
    return LineAmount(AmountMinor(after - before), AmountMinor(commission))
