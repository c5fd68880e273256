"""Canonical JSON (RFC 8785)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.canonical import canonicalise, digest_of
from protocol.errors import CanonicalisationInvalid

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def test_published_examples_have_the_published_bytes(samples: Path) -> None:
    folder = samples / "jcs-rfc8785" / "testdata"
    files = sorted((folder / "input").glob("*.json"))
    assert files
    for file in files:
        value = json.loads(file.read_text(encoding="utf-8"))
        expected = bytes.fromhex((folder / "outhex" / f"{file.stem}.txt").read_text())
        assert canonicalise(value) == expected, file.name


@given(values)
def test_canonical_json_reads_back_and_stays_the_same(value: Any) -> None:
    text = canonicalise(value)
    assert json.loads(text) == value
    assert canonicalise(json.loads(text)) == text


@given(st.dictionaries(texts, st.integers(0, 9), min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonicalise(dict(reversed(value.items()))) == canonicalise(value)


def test_the_digest_is_sha_256_of_the_bytes() -> None:
    assert digest_of({"b": 1, "a": "é"}) == hashlib.sha256('{"a":"é","b":1}'.encode()).digest()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {1: 2}, b"x", "\ud800"])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalisationInvalid):
        canonicalise(value)
