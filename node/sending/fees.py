"""What a transaction offers for its gas. EBSI's chains ask for nothing; others may.

Prices are in wei for a unit of gas.
"""

from __future__ import annotations

RAISE_PERCENT = 13
"""A pool takes the place of a transaction for 10 % more (go-ethereum, Besu) or 12.5 % (Nethermind,
Erigon's former rule), so 13 serves all."""


def first_price(suggested: int, price_max: int) -> int:
    """What a new transaction offers: what the chain suggests, never above the operator's limit."""
    return min(suggested, price_max)


def raised_price(offered: int, suggested: int, price_max: int) -> int | None:
    """What one that is stuck offers next, rounded up; None where the limit leaves no raise that a
    pool would take."""
    least = offered + max(1, -(-offered * RAISE_PERCENT // 100))
    raised = max(least, suggested)
    if raised <= price_max:
        return raised
    return least if least <= price_max else None
