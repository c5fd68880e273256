"""Withdrawal slips of 220 bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.entries import Entry, decode_entry, leaf_of
from protocol.errors import SlipInvalid
from protocol.holder_keys import address_of
from protocol.signing import sign_digest, withdrawal_digest
from protocol.slip import SLIP_LENGTH, Slip, decode_slip, encode_slip, verify_slip
from protocol.types import (
    AgreementId,
    ContractAddress,
    HolderAddress,
    OrganisationId,
    UnixSeconds,
    from_hex,
    to_hex,
)

SECRET = (11).to_bytes(32)


def signed_slip(chain_id: int, registry: bytes, secret: bytes) -> Slip:
    entry = Entry(
        AgreementId(b"\x01" * 32),
        OrganisationId(b"\x02" * 20),
        address_of(secret),
        UnixSeconds(1),
        UnixSeconds(2),
        b"\x02" + bytes(32),
    )
    digest = withdrawal_digest(leaf_of(entry), chain_id, registry)
    return Slip(chain_id, ContractAddress(registry), entry, sign_digest(secret, digest))


@given(
    st.integers(0, 2**64 - 1),
    st.binary(min_size=20, max_size=20),
    st.integers(1, 2**200).map(lambda n: n.to_bytes(32)),
)
def test_slips_read_back_and_verify(chain_id: int, registry: bytes, secret: bytes) -> None:
    slip = signed_slip(chain_id, registry, secret)
    encoded = encode_slip(slip)
    assert len(encoded) == SLIP_LENGTH == 220
    assert decode_slip(encoded) == slip
    assert verify_slip(slip) == leaf_of(slip.entry)


@given(st.integers(0, SLIP_LENGTH - 1), st.integers(1, 255))
def test_a_slip_with_any_byte_changed_ends_nothing(position: int, change: int) -> None:
    damaged = bytearray(encode_slip(signed_slip(5, b"\x09" * 20, SECRET)))
    damaged[position] ^= change
    with pytest.raises(SlipInvalid):
        verify_slip(decode_slip(bytes(damaged)))


def test_the_slip_is_the_golden_one(vectors: Any) -> None:
    case = vectors("slips")["plain"]
    slip = decode_slip(from_hex(case["slip"]))
    assert slip.entry == decode_entry(from_hex(case["entry"]))
    assert to_hex(verify_slip(slip)) == case["leaf"]


def test_a_slip_of_another_holder_ends_nothing() -> None:
    slip = signed_slip(5, b"\x09" * 20, SECRET)
    other = replace(slip.entry, holder=HolderAddress(bytes(20)))
    with pytest.raises(SlipInvalid):
        verify_slip(replace(slip, entry=other))


@pytest.mark.parametrize("data", [b"", bytes(219), bytes(221), bytes(220), b"PTX2" + bytes(216)])
def test_other_bytes_are_no_slip(data: bytes) -> None:
    with pytest.raises(SlipInvalid):
        decode_slip(data)


def test_parts_of_another_length_have_no_slip() -> None:
    slip = signed_slip(5, b"\x09" * 20, SECRET)
    for wrong in (
        replace(slip, chain_id=2**64),
        replace(slip, registry=ContractAddress(b"")),
        replace(slip, signature=bytes(64)),
    ):
        with pytest.raises(SlipInvalid):
            encode_slip(wrong)
