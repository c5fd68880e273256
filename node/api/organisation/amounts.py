"""Amounts as people type them: euros, with a point or a comma, exactly."""

from __future__ import annotations

import re

from node.problems import Problem
from protocol.booking import MINOR_PER_TOKEN
from protocol.types import UINT128_MAX, AmountMinor

_AMOUNT = re.compile(r"([0-9]{1,24})(?:[.,]([0-9]{1,6}))?")
DIGITS = len(str(MINOR_PER_TOKEN)) - 1


def read_amount(text: str, field: str) -> AmountMinor:
    """Base units; raises a problem that names the field for what is no amount, or has more decimals
    than there are."""
    found = _AMOUNT.fullmatch("".join(text.split()))
    amount = 0
    if found is not None:
        amount = int(found[1]) * MINOR_PER_TOKEN + int((found[2] or "").ljust(DIGITS, "0"))
    if found is None or amount > UINT128_MAX:
        detail = f"{text[:50]!r} is no amount."
        remedy = "Write euros in digits with at most six decimals, such as 12.50."
        raise Problem.of("request-invalid", detail, remedy).about(field)
    return AmountMinor(amount)
