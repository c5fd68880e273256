"""How much rests on few operators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.concentration import (
    WHOLE_INDEX,
    WHOLE_SHARE_BPS,
    Concentration,
    by_operator,
    concentration_of,
    herfindahl_rounded_down,
    operators_of,
    share_bps_rounded_down,
)
from protocol.events import OperatorDelegated
from protocol.types import OrganisationId, UnixSeconds

NOW = UnixSeconds(1_000)
SCHOOL, FIRST, SECOND = (OrganisationId(bytes([n]) * 20) for n in (1, 2, 3))
volumes = st.lists(st.integers(0, 2**64), max_size=8)
ids = st.integers(0, 5).map(lambda n: OrganisationId(bytes([n]) * 20))


def delegated(operator: OrganisationId, scopes: int = 4, until: int = 2_000) -> OperatorDelegated:
    return OperatorDelegated(SCHOOL, operator, scopes, UnixSeconds(until))


def test_the_operator_is_the_one_chosen_last() -> None:
    both = [delegated(FIRST), delegated(SECOND)]
    assert operators_of(both, NOW) == {SCHOOL: SECOND}
    assert operators_of([*both, delegated(FIRST)], NOW) == {SCHOOL: FIRST}


def test_what_ended_or_expired_leaves_the_one_before_or_none() -> None:
    both = [delegated(FIRST), delegated(SECOND)]
    assert operators_of([*both, delegated(SECOND, scopes=0)], NOW) == {SCHOOL: FIRST}
    assert operators_of([delegated(FIRST), delegated(SECOND, until=NOW)], NOW) == {SCHOOL: FIRST}
    assert operators_of([delegated(FIRST, until=NOW)], NOW) == {}
    assert operators_of([delegated(FIRST, until=NOW + 1)], NOW) == {SCHOOL: FIRST}


@given(st.dictionaries(ids, st.integers(0, 2**64)), st.dictionaries(ids, ids))
def test_nothing_is_lost_on_the_way_to_operators(
    volume_of: dict[OrganisationId, int], operators: dict[OrganisationId, OrganisationId]
) -> None:
    sums = by_operator(volume_of, operators)
    assert sum(sums.values()) == sum(volume_of.values())
    assert by_operator(volume_of, {}) == volume_of


@given(volumes)
def test_the_index_lies_between_equal_shares_and_one_alone(parts: list[int]) -> None:
    index = herfindahl_rounded_down(parts)
    if not any(parts):
        assert index == 0
        return
    assert WHOLE_INDEX // len(parts) <= index <= WHOLE_INDEX
    assert (index == WHOLE_INDEX) == (sum(each > 0 for each in parts) == 1)
    shares = [share_bps_rounded_down(each, sum(parts)) for each in parts]
    assert WHOLE_SHARE_BPS - len(parts) < sum(shares) <= WHOLE_SHARE_BPS


@given(volumes.filter(lambda parts: len(parts) > 1), st.integers(1, 1_000))
def test_a_merger_never_lowers_it_and_a_scale_never_moves_it(parts: list[int], scale: int) -> None:
    first, second, *others = parts
    index = herfindahl_rounded_down(parts)
    assert herfindahl_rounded_down([first + second, *others]) >= index
    assert herfindahl_rounded_down([each * scale for each in parts]) == index


@pytest.mark.parametrize(
    ("parts", "index", "level"),
    [
        ([1] * 11, 909, Concentration.LOW),
        ([1] * 10, 1_000, Concentration.MODERATE),
        ([1] * 6, 1_666, Concentration.MODERATE),
        ([1] * 5, 2_000, Concentration.HIGH),
        ([3, 1], 6_250, Concentration.HIGH),
    ],
)
def test_levels_are_those_of_the_guidelines(
    parts: list[int], index: int, level: Concentration
) -> None:
    assert herfindahl_rounded_down(parts) == index
    assert concentration_of(index) == level


def test_of_nothing_every_share_is_zero() -> None:
    assert share_bps_rounded_down(0, 0) == 0
