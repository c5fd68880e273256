"""Roles and areas give rights; the table here is written out, and says the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.permissions import MANAGES_ACCESS, Area, Grant, rights_of, roles_with

EVERY = ["agreements", "consents", "usage", "events", "webhooks", "access", "hosting"]
RIGHTS = {
    "admin": {f"{area}:{kind}" for area in EVERY for kind in ("read", "write")},
    "operator": {
        *("agreements:read", "consents:read", "consents:write", "usage:read", "usage:write"),
        *("events:read", "webhooks:read"),
    },
    "auditor": {f"{area}:read" for area in EVERY},
    "clerk": set(),
}
TIME = datetime(2026, 11, 27, tzinfo=UTC)
areas = st.none() | st.frozensets(st.sampled_from([*EVERY, "nowhere"]))
ends = st.none() | st.integers(0, 3).map(lambda days: TIME + timedelta(days=days))
grants = st.builds(Grant, st.sampled_from(sorted(RIGHTS)), areas, ends)


@pytest.mark.parametrize("role", RIGHTS)
def test_a_role_has_these_rights_and_no_other(role: str) -> None:
    assert rights_of(role, None) == RIGHTS[role]


def test_the_areas_are_those_that_the_table_has() -> None:
    assert sorted(Area) == sorted(EVERY)


@given(st.sampled_from(sorted(RIGHTS)), areas)
def test_areas_take_away_and_never_add(role: str, within: frozenset[str] | None) -> None:
    expected = {each for each in RIGHTS[role] if within is None or each.partition(":")[0] in within}
    assert rights_of(role, within) == expected


@given(grants, grants)
def test_nobody_gives_away_what_they_do_not_have(maker: Grant, given_away: Grant) -> None:
    if maker.covers(given_away):
        assert given_away.rights <= maker.rights
        assert maker.expires_at is None or (
            given_away.expires_at is not None and given_away.expires_at <= maker.expires_at
        )
    else:
        assert given_away.rights - maker.rights or maker.expires_at is not None


@given(grants)
def test_everybody_covers_themselves(grant: Grant) -> None:
    assert grant.covers(grant)


@given(grants, grants, grants)
def test_covering_is_handed_on(first: Grant, second: Grant, third: Grant) -> None:
    if first.covers(second) and second.covers(third):
        assert first.covers(third)


def test_admins_alone_let_others_in() -> None:
    assert roles_with(MANAGES_ACCESS) == ["admin"]
    assert roles_with("consents:read") == ["admin", "operator", "auditor"]
    assert roles_with("nothing:read") == []
