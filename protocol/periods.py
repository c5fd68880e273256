"""Months of use and months of booking.

A *period* is a calendar month in UTC, numbered from January 1970: it fixes the commission's
rate and the free units. A *booking month* is the calendar month in Europe/Paris in which a
settlement's block falls: it is where the books show the amount. The numbers look alike and mean
different things, hence two types.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from protocol.errors import PeriodInvalid
from protocol.types import BookingMonth, Period, UnixSeconds

BOOKING_ZONE = ZoneInfo("Europe/Paris")
PERIOD_MAX = Period((9999 - 1970) * 12 + 11)
"""December 9999, the last month that calendars here know."""
TIME_MAX = UnixSeconds(253_402_214_400)
"""31 December 9999, 00:00 UTC: the last day may be another year in Paris."""


def period_of(time: UnixSeconds) -> Period:
    """The period of use that a time falls in. Raises PeriodInvalid before 1970, after 9999."""
    return Period(_month_number(time, UTC))


def period_start(period: Period) -> UnixSeconds:
    """The first second of a period, UTC. Raises PeriodInvalid."""
    if not 0 <= period <= PERIOD_MAX:
        raise PeriodInvalid(value=period)
    first = datetime(1970 + period // 12, 1 + period % 12, 1, tzinfo=UTC)
    return UnixSeconds(int(first.timestamp()))


def lies_within(period: Period, valid_from: UnixSeconds, valid_until: UnixSeconds) -> bool:
    """Whether a second of a period is in [valid_from, valid_until). Raises PeriodInvalid, also for
    the last month that calendars here know: its end is none."""
    return period_start(period) < valid_until and valid_from < period_start(Period(period + 1))


def booking_month(time: UnixSeconds) -> BookingMonth:
    """The month in which the books of the association show an act of this time."""
    return BookingMonth(_month_number(time, BOOKING_ZONE))


def booking_month_start(month: BookingMonth) -> UnixSeconds:
    """The first second of a booking month, in Europe/Paris. Raises PeriodInvalid."""
    if not 0 <= month <= PERIOD_MAX:
        raise PeriodInvalid(value=month)
    first = datetime(1970 + month // 12, 1 + month % 12, 1, tzinfo=BOOKING_ZONE)
    return UnixSeconds(int(first.timestamp()))


def booking_date(time: UnixSeconds) -> date:
    """The day in Europe/Paris under which the books show an act of this time."""
    return datetime.fromtimestamp(time, BOOKING_ZONE).date()


def period_label(period: Period | BookingMonth) -> str:
    """A month as text, such as 2026-11. Raises PeriodInvalid."""
    if not 0 <= period <= PERIOD_MAX:
        raise PeriodInvalid(value=period)
    return f"{1970 + period // 12:04}-{1 + period % 12:02}"


def parse_period(label: str) -> Period:
    """Read a month from text such as 2026-11. Raises PeriodInvalid."""
    parts = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", label)
    if parts is None or int(parts[1]) < 1970:
        raise PeriodInvalid(value=label)
    return Period((int(parts[1]) - 1970) * 12 + int(parts[2]) - 1)


def _month_number(time: UnixSeconds, zone: tzinfo) -> int:
    if not 0 <= time < TIME_MAX:
        raise PeriodInvalid(value=time)
    moment = datetime.fromtimestamp(time, zone)
    return (moment.year - 1970) * 12 + moment.month - 1
