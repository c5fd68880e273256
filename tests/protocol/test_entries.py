"""Entries of 123 bytes and their leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.entries import Entry, decode_entry, encode_entry, leaf_of
from protocol.errors import EntryInvalid
from protocol.merkle import leaf_hash
from protocol.types import (
    AgreementId,
    HolderAddress,
    OrganisationId,
    UnixSeconds,
    from_hex,
    to_hex,
)

spans = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)).filter(
    lambda s: s[0] < s[1]
)
addresses = st.binary(min_size=20, max_size=20)
entries = st.builds(
    lambda agreement, issuer, holder, span, sign, x: Entry(
        AgreementId(agreement),
        OrganisationId(issuer),
        HolderAddress(holder),
        UnixSeconds(span[0]),
        UnixSeconds(span[1]),
        sign + x,
    ),
    st.binary(min_size=32, max_size=32),
    addresses,
    addresses,
    spans,
    st.sampled_from([b"\x02", b"\x03"]),
    st.binary(min_size=32, max_size=32),
)
EXAMPLE = Entry(
    AgreementId(bytes(32)),
    OrganisationId(bytes(20)),
    HolderAddress(bytes(20)),
    UnixSeconds(1),
    UnixSeconds(2),
    b"\x02" + bytes(32),
)


@given(entries)
def test_entries_read_back_from_123_bytes(entry: Entry) -> None:
    encoded = encode_entry(entry)
    assert len(encoded) == 123
    assert decode_entry(encoded) == entry
    assert leaf_of(entry) == leaf_hash(encoded)


def test_entries_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("entries").values():
        entry = decode_entry(from_hex(case["entry"]))
        assert to_hex(leaf_of(entry)) == case["leaf"]
        assert str(entry.valid_until) == case["validUntil"]
        assert to_hex(entry.issuer) == case["issuer"].lower()


@pytest.mark.parametrize(
    "changes",
    [
        {"entry_type": 2},
        {"version": 0},
        {"agreement_id": bytes(31)},
        {"issuer": bytes(21)},
        {"holder": b""},
        {"commitment": b"\x04" + bytes(32)},
        {"commitment": b"\x02" + bytes(31)},
        {"valid_from": 2},
        {"valid_from": -1},
        {"valid_until": 2**64},
    ],
)
def test_a_malformed_entry_has_no_bytes(changes: dict[str, Any]) -> None:
    with pytest.raises(EntryInvalid):
        encode_entry(replace(EXAMPLE, **changes))


@pytest.mark.parametrize("position", [0, 1, 90])
def test_bytes_of_another_type_version_or_point_are_no_entry(position: int) -> None:
    damaged = bytearray(encode_entry(EXAMPLE))
    damaged[position] = 9
    with pytest.raises(EntryInvalid):
        decode_entry(bytes(damaged))


@given(st.binary(max_size=140).filter(lambda data: len(data) != 123))
def test_bytes_of_another_length_are_no_entry(data: bytes) -> None:
    with pytest.raises(EntryInvalid):
        decode_entry(data)
