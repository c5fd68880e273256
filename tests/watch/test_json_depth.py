"""Nesting judged on bytes is what a parser would meet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api.json_depth import JSON_DEPTH_MAX, is_too_deep

NASTY = st.text(st.sampled_from('[]{}"\\a,:é'), max_size=12)
VALUES = st.recursive(
    st.none() | st.integers() | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=40,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth_of(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth_of(each) for each in value), default=0)
    return 0


@given(VALUES, st.booleans(), st.integers(1, 8))
def test_the_bytes_tell_the_depth(value: Any, as_ascii: bool, depth_max: int) -> None:
    body = json.dumps(value, ensure_ascii=as_ascii).encode()
    assert is_too_deep(body, depth_max) is (depth_of(value) > depth_max)


@given(st.binary(max_size=300) | st.text(st.sampled_from('[]{}"\\a'), max_size=300).map(str.encode))
def test_any_bytes_are_judged(body: bytes) -> None:
    assert is_too_deep(body, 2) in (True, False)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[" * 33, True),
        (b"[" * 32 + b"]" * 32, False),
        (b'{"a":' * 33 + b"1" + b"}" * 33, True),
        (b'["' + b"[" * 100 + b'"]', False),
        (b'["\\"' + b"[" * 100 + b'"]', False),
        (b'["\\\\"' + b",[" * 100, True),
        (b"[],{}," * 1_000, False),
    ],
)
def test_texts_count_for_nothing(body: bytes, expected: bool) -> None:
    assert JSON_DEPTH_MAX == 32
    assert is_too_deep(body) is expected


def test_what_never_ends_is_judged_once_through() -> None:
    """Quotes without an end must not be searched for again and again: 8 MB, each way."""
    for body in (b'\\"' * 2**22, b'"' * 2**23, b'"\\' * 2**22, b"[" * 40 + b'"' + b"\\" * 2**23):
        assert is_too_deep(b"[" * 33 + body) is True
