"""What the queries of the governance's page must say, by the rules' fold of the events that a
scripted chain told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection

from indexer.queries import activity, participants, settlements, use
from indexer.queries.settlements import LinePlace, SettlementLine
from indexer.queries.use import AtAnotherRate, Use
from protocol.commission import HARD_CAP_BPS, commission_at_rate
from protocol.concentration import operators_of
from protocol.events import ConsentEnded, LeavesAnchored, OperatorDelegated, UsageSettled
from protocol.periods import period_of
from protocol.types import AmountMinor, Category, Period, RateBps, Units, UnixSeconds
from tests.indexer.specification import PAGE, Known, all_pages
from tests.indexer.specification_of_money import lines_of

RATES = (RateBps(0), RateBps(333), HARD_CAP_BPS)


def require_same_activity(connection: Connection, known: Known) -> None:
    times = [origin.block_time for _, origin in known.events]
    if not times:
        return
    first, last = period_of(min(times)), period_of(max(times))
    before, after = Period(first - 2), Period(last + 2)
    for window in ((first, last), (first, first), (last, last), (before, first), (last, after)):
        require_same_counts(connection, known, *window)
        require_same_use(connection, known, *window)
    for empty in ((before, before), (after, after)):
        require_same_counts(connection, known, *empty)
    require_same_operators(connection, known, max(times))


def require_same_counts(connection: Connection, known: Known, first: Period, last: Period) -> None:
    by_month, by_issuer, ended = Counter[Period](), Counter[bytes](), Counter[Period]()
    for event, origin in known.of(LeavesAnchored, ConsentEnded):
        month = period_of(origin.block_time)
        if not first <= month <= last:
            continue
        if isinstance(event, ConsentEnded):
            ended[month] += 1
        else:
            by_month[month] += len(event.leaves)
            by_issuer[event.issuer] += len(event.leaves)
    assert activity.leaves_by_month(connection, first, last) == by_month
    assert activity.leaves_by_issuer(connection, first, last) == by_issuer
    assert activity.endings_by_month(connection, first, last) == ended


def require_same_use(connection: Connection, known: Known, first: Period, last: Period) -> None:
    lines = [line for line in lines_of(known) if first <= line.period <= last]
    settled = [each for each, _ in known.of(UsageSettled) if first <= each.period <= last]
    all_used = Units(sum(each.to_units - each.from_units for each in settled))
    by_period, by_consumer = use.use_by_period_and_consumer(connection, first, last)
    assert by_period == sums_by(lines, lambda line: line.period)
    assert [*by_period] == sorted(by_period)
    assert sum(each.units for each in by_period.values()) == all_used
    assert by_consumer == sums_by(lines, lambda line: line.consumer)
    by_category = use.use_by_category(connection, first, last)
    assert by_category == sums_by(lines, lambda line: line.category)
    for category in {*by_category, Category(65_535)}:
        for rate in RATES:
            found = use.commission_at_another_rate(connection, category, rate, first, last)
            assert found == at_another_rate(lines, category, rate)
    for chosen in (None, Category(1)):
        own = [line for line in lines if chosen in (None, line.category)]

        def page(
            after: SettlementLine | None, category: Category | None = chosen
        ) -> list[SettlementLine]:
            place = LinePlace(*after.place) if after else None
            return settlements.lines_of_use(connection, first, last, category, place, PAGE)

        assert all_pages(page) == own


def sums_by(
    lines: Iterable[SettlementLine], key: Callable[[SettlementLine], Any]
) -> dict[Any, Use]:
    """Units count once a settlement, amounts once a line."""
    found: dict[Any, Use] = {}
    counted = set()
    for line in lines:
        before = found.get(key(line), Use(Units(0), AmountMinor(0), AmountMinor(0)))
        settlement = (key(line), line.block_number, line.log_index)
        units = 0 if settlement in counted else line.to_units - line.from_units
        counted.add(settlement)
        found[key(line)] = Use(
            Units(before.units + units),
            AmountMinor(before.gross_minor + line.gross_minor),
            AmountMinor(before.commission_minor + line.commission_minor),
        )
    return found


def at_another_rate(
    lines: Iterable[SettlementLine], category: Category, rate: RateBps
) -> dict[Period, AtAnotherRate]:
    brought: dict[Period, dict[Any, int]] = {}
    paid = Counter[Period]()
    for line in lines:
        if line.category == category:
            key = (line.agreement_id, line.consumer, line.line_index)
            grosses = brought.setdefault(line.period, {})
            grosses[key] = grosses.get(key, 0) + line.gross_minor
            paid[line.period] += line.commission_minor
    return {
        period: AtAnotherRate(
            AmountMinor(sum(grosses.values())),
            AmountMinor(paid[period]),
            commission_at_rate([AmountMinor(each) for each in grosses.values()], rate),
        )
        for period, grosses in brought.items()
    }


def require_same_operators(connection: Connection, known: Known, time: UnixSeconds) -> None:
    told = [event for event, _ in known.of(OperatorDelegated)]
    given = participants.delegations_given(connection)
    assert {(each.organisation, each.operator) for each in given} == {
        (each.organisation, each.operator) for each in told
    }
    last = {(each.operator, each.organisation): each for each in told}
    for moment in (UnixSeconds(0), time):
        assert operators_of(given, moment) == operators_of(told, moment)
        for operator in {each.operator for each in told}:
            served = participants.list_served(connection, operator, moment, b"", len(last) + 1)
            assert [each.organisation for each in served] == sorted(
                organisation
                for (whose, organisation), each in last.items()
                if whose == operator and each.scopes and moment < each.expires_at
            )
