"""Months of use (UTC) and of booking (Europe/Paris)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeriodInvalid
from protocol.periods import (
    PERIOD_MAX,
    TIME_MAX,
    booking_month,
    lies_within,
    parse_period,
    period_label,
    period_of,
    period_start,
)
from protocol.types import Period, UnixSeconds

times = st.integers(0, TIME_MAX - 1).map(UnixSeconds)
periods = st.integers(0, PERIOD_MAX).map(Period)


def test_months_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("periods")["borders"]["cases"]:
        assert period_of(case["time"]) == case["period"]
        assert period_label(case["period"]) == case["label"]
        assert period_start(case["period"]) == case["startsAt"]
        assert period_label(booking_month(case["time"])) == case["bookingMonth"]


@given(periods)
def test_a_period_begins_with_its_first_second(period: Period) -> None:
    start = period_start(period)
    if start < TIME_MAX:
        assert period_of(start) == period
    if period:
        assert period_of(UnixSeconds(start - 1)) == period - 1


@given(times)
def test_a_time_lies_in_its_period(time: UnixSeconds) -> None:
    period = period_of(time)
    assert period_start(period) <= time
    assert period == PERIOD_MAX or time < period_start(Period(period + 1))


@given(times, times, periods)
def test_a_period_lies_within_what_shares_a_second_with_it(
    one: UnixSeconds, other: UnixSeconds, period: Period
) -> None:
    valid_from, last = min(one, other), max(one, other)
    valid_until = UnixSeconds(last + 1)
    for near in (period, period_of(valid_from), period_of(last)):
        if near < PERIOD_MAX:
            shared = period_of(valid_from) <= near <= period_of(last)
            assert lies_within(near, valid_from, valid_until) == shared


@given(times)
def test_the_booking_month_is_the_period_or_the_next(time: UnixSeconds) -> None:
    assert booking_month(time) - period_of(time) in (0, 1)


@given(periods)
def test_labels_read_back(period: Period) -> None:
    assert parse_period(period_label(period)) == period


def test_summer_and_winter_time_move_the_border_of_a_booking_month() -> None:
    summer = UnixSeconds(int(datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp()))
    winter = UnixSeconds(int(datetime(2026, 11, 30, 23, tzinfo=UTC).timestamp()))
    for border, month in ((summer, "2026-07"), (winter, "2026-12")):
        assert period_label(booking_month(border)) == month
        assert period_label(booking_month(UnixSeconds(border - 1))) < month


@pytest.mark.parametrize(
    "label", ["", "2026", "2026-13", "2026-00", "1969-12", "2026-1", "\uff12\uff10\uff12\uff16-01"]
)
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(PeriodInvalid):
        parse_period(label)


def test_times_and_periods_out_of_range_are_refused() -> None:
    for time in (-1, TIME_MAX):
        with pytest.raises(PeriodInvalid):
            period_of(UnixSeconds(time))
    for period in (-1, PERIOD_MAX + 1):
        with pytest.raises(PeriodInvalid):
            period_start(Period(period))
        with pytest.raises(PeriodInvalid):
            period_label(Period(period))
