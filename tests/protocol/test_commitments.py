"""Pedersen commitments on secp256k1."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from coincurve import PublicKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.commitments import (
    CURVE_ORDER,
    H_COMPRESSED,
    blinding_from_bytes,
    blinding_from_randomness,
    blinding_to_bytes,
    commit,
    opens,
)
from protocol.errors import CommitmentInvalid
from protocol.types import Hash32, from_hex

digests = st.binary(min_size=32, max_size=32).map(Hash32)
blindings = st.integers(1, CURVE_ORDER - 1)
G = PublicKey.from_secret((1).to_bytes(32))


def test_the_second_generator_is_that_of_bip_341() -> None:
    assert H_COMPRESSED.hex() == (
        "0250929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
    )
    assert H_COMPRESSED[1:] == hashlib.sha256(G.format(compressed=False)).digest()


def test_commitments_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("commitments").values():
        blinding = blinding_from_bytes(from_hex(case["blinding"]))
        assert commit(Hash32(from_hex(case["digest"])), blinding) == from_hex(case["commitment"])


@given(digests, blindings)
def test_a_commitment_is_the_sum_of_its_two_parts(digest: Hash32, blinding: int) -> None:
    hidden = PublicKey(H_COMPRESSED).multiply(blinding.to_bytes(32))
    scalar = int.from_bytes(digest) % CURVE_ORDER
    shown = [G.multiply(scalar.to_bytes(32))] if scalar else []
    assert commit(digest, blinding) == PublicKey.combine_keys([hidden, *shown]).format()


@given(digests, digests, blindings, blindings)
def test_only_its_own_opening_opens(one: Hash32, other: Hash32, b: int, c: int) -> None:
    commitment = commit(one, b)
    assert opens(commitment, one, b)
    assert opens(commitment, other, c) == (one == other and b == c)


@pytest.mark.parametrize("blinding", [0, -1, CURVE_ORDER, CURVE_ORDER + 1])
def test_a_blinding_out_of_range_is_refused(blinding: int) -> None:
    with pytest.raises(CommitmentInvalid):
        commit(Hash32(bytes(32)), blinding)
    with pytest.raises(CommitmentInvalid):
        blinding_to_bytes(blinding)


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(CommitmentInvalid):
        commit(Hash32(bytes(31)), 1)


@given(blindings)
def test_blindings_read_back(blinding: int) -> None:
    assert blinding_from_bytes(blinding_to_bytes(blinding)) == blinding


@given(st.binary(min_size=48, max_size=48))
def test_randomness_becomes_a_blinding_in_range(randomness: bytes) -> None:
    assert 1 <= blinding_from_randomness(randomness) < CURVE_ORDER


def test_bytes_of_another_length_are_no_blinding() -> None:
    for wrong in (bytes(31), bytes(33), bytes(32)):
        with pytest.raises(CommitmentInvalid):
            blinding_from_bytes(wrong)
    with pytest.raises(CommitmentInvalid):
        blinding_from_randomness(bytes(32))
