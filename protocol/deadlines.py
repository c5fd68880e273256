"""Until when an organisation must have answered a person who exercises a right.

Article 12(3) of Regulation (EU) 2016/679 gives one month from receipt, and two further months
where the request is complex, of which the person is told within the first. Months are counted as
in Article 3(2)(c) of Regulation (EEC, Euratom) No 1182/71: to the end of the day with the same
date, or of the last day of a month that has no such date; what came on 31 August is due on 30
September. Article 3(4) of that Regulation lets a period that ends on a Saturday, Sunday or public
holiday run on to the next working day: it is left out here, since holidays differ, so that no
answer within this deadline is ever late. A day is one in Europe/Paris, as in the books.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

from protocol.periods import BOOKING_ZONE, booking_date
from protocol.types import UnixSeconds

ANSWER_MONTHS = 1
EXTENSION_MONTHS = 2


def last_day(received_on: date, months: int) -> date:
    """The last day of a period of months that an event on this day begins."""
    years, month = divmod(received_on.month - 1 + months, 12)
    year = received_on.year + years
    return date(year, month + 1, min(received_on.day, monthrange(year, month + 1)[1]))


def answer_due(received_at: UnixSeconds, *, extended: bool = False) -> UnixSeconds:
    """The first second that is too late for the answer to a request received at this time."""
    months = ANSWER_MONTHS + (EXTENSION_MONTHS if extended else 0)
    after = last_day(booking_date(received_at), months) + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=BOOKING_ZONE)
    return UnixSeconds(int(midnight.timestamp()))


def may_extend(received_at: UnixSeconds, now: UnixSeconds) -> bool:
    """Whether the person can still be told of an extension: within the first month."""
    return now < answer_due(received_at)
