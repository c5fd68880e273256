"""When an answer is due: months counted as Regulation 1182/71 counts them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.deadlines import answer_due, last_day, may_extend
from protocol.periods import BOOKING_ZONE
from protocol.types import UnixSeconds

DAYS = st.dates(date(1970, 2, 1), date(2200, 1, 1))
MONTHS = st.integers(0, 24)
TIMES = st.integers(0, 7_000_000_000).map(UnixSeconds)


def at(year: int, month: int, day: int, hour: int = 0) -> UnixSeconds:
    moment = datetime(year, month, day, hour, tzinfo=BOOKING_ZONE)
    return UnixSeconds(int(moment.timestamp()))


@pytest.mark.parametrize(
    ("received", "due", "extended"),
    [
        ((2026, 3, 5), (2026, 4, 6), (2026, 6, 6)),
        ((2026, 8, 31), (2026, 10, 1), (2026, 12, 1)),
        ((2027, 1, 31), (2027, 3, 1), (2027, 5, 1)),
        ((2028, 1, 31), (2028, 3, 1), (2028, 5, 1)),
        ((2028, 1, 29), (2028, 3, 1), (2028, 4, 30)),
        ((2026, 12, 15), (2027, 1, 16), (2027, 3, 16)),
    ],
)
def test_the_last_day_has_the_same_date_or_is_the_months_last(
    received: tuple[int, int, int], due: tuple[int, int, int], extended: tuple[int, int, int]
) -> None:
    for hour in (0, 23):
        assert answer_due(at(*received, hour)) == at(*due)
        assert answer_due(at(*received, hour), extended=True) == at(*extended)


@given(DAYS, MONTHS)
def test_a_month_later_is_the_same_date_unless_there_is_none(day: date, months: int) -> None:
    end = last_day(day, months)
    assert (end.year * 12 + end.month) - (day.year * 12 + day.month) == months
    if end.day != day.day:
        assert end.day == monthrange(end.year, end.month)[1] < day.day


@given(DAYS, MONTHS)
def test_who_comes_later_is_never_due_earlier(day: date, months: int) -> None:
    assert last_day(day, months) <= last_day(day + timedelta(days=1), months)


@given(TIMES)
def test_a_month_is_28_to_31_days_and_the_rest_of_the_first(received: UnixSeconds) -> None:
    seconds = answer_due(received) - received
    hour = 3_600  # what a change of the clocks gives or takes
    assert 28 * 86_400 - hour < seconds <= 32 * 86_400 + hour
    assert answer_due(received, extended=True) > answer_due(received)
    assert may_extend(received, received)
    assert not may_extend(received, answer_due(received))
    assert may_extend(received, UnixSeconds(answer_due(received) - 1))
