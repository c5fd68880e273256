"""Months of use: the contract's calendar is the rules' calendar."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import NoticeTooShort, UnknownCategory
from protocol.periods import period_of, period_start
from protocol.types import Period, UnixSeconds
from tests.differential.chain import GOVERNANCE, Chain

NOTICE = 30 * 86_400
periods = st.integers(12 * 57, 12 * 1_000).map(Period)
near = st.integers(-3, 3)


@settings(max_examples=80)
@given(period=periods, seconds=near)
def test_a_time_lies_in_the_same_period(chain: Chain, period: Period, seconds: int) -> None:
    time = UnixSeconds(period_start(period) + seconds)
    with chain.rolled_back():
        chain.at(time)
        chain.deploy("CommissionPolicy", chain.address["AccessManager"], [(9, 5)])
        first = period_of(time)
        assert chain.call(GOVERNANCE, "CommissionPolicy", "rateOf", 9, first) == 5
        with pytest.raises(UnknownCategory):
            chain.call(GOVERNANCE, "CommissionPolicy", "rateOf", 9, first - 1)


@settings(max_examples=80)
@given(period=periods, seconds=near)
def test_a_period_begins_at_the_same_second(chain: Chain, period: Period, seconds: int) -> None:
    start = period_start(period)
    time = start - NOTICE + seconds
    with chain.rolled_back():
        chain.at(time)
        if start < time + NOTICE:
            with pytest.raises(NoticeTooShort):
                chain.call(GOVERNANCE, "CommissionPolicy", "setRate", 9, period, 5)
        else:
            chain.call(GOVERNANCE, "CommissionPolicy", "setRate", 9, period, 5)
            assert chain.call(GOVERNANCE, "CommissionPolicy", "rateOf", 9, period) == 5
