"""Recoverable signatures with low s."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from protocol.commitments import CURVE_ORDER
from protocol.errors import SignatureInvalid
from protocol.signatures import (
    address_of,
    check_signature,
    is_signed_by,
    recover_signer,
    sign_digest,
)
from protocol.types import Hash32, from_hex, to_checksum_address

secrets = st.integers(1, CURVE_ORDER - 1).map(lambda n: n.to_bytes(32))
digests = st.binary(min_size=32, max_size=32).map(Hash32)
SECRET = (7).to_bytes(32)
DIGEST = Hash32(b"\x05" * 32)


@given(secrets, digests)
def test_the_signer_is_recovered(secret: bytes, digest: Hash32) -> None:
    signature = sign_digest(secret, digest)
    check_signature(signature)
    assert signature[64] in (27, 28)
    assert recover_signer(digest, signature) == address_of(secret)
    assert is_signed_by(address_of(secret), digest, signature)


@given(secrets, digests)
def test_signatures_equal_those_of_the_wallet_library(secret: bytes, digest: Hash32) -> None:
    account = Account.from_key(secret)
    assert to_checksum_address(address_of(secret)) == account.address
    assert sign_digest(secret, digest) == bytes(account.unsafe_sign_hash(digest).signature)


def test_signatures_are_the_golden_ones(vectors: Any) -> None:
    for case in vectors("eip712").values():
        signer = recover_signer(Hash32(from_hex(case["digest"])), from_hex(case["signature"]))
        assert to_checksum_address(signer) == case["signer"]


def test_the_other_form_of_a_signature_is_refused() -> None:
    signature = sign_digest(SECRET, DIGEST)
    high = (CURVE_ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    with pytest.raises(SignatureInvalid, match="upper half"):
        recover_signer(DIGEST, signature[:32] + high + bytes([55 - signature[64]]))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_another_v_is_refused(v: int) -> None:
    with pytest.raises(SignatureInvalid):
        recover_signer(DIGEST, sign_digest(SECRET, DIGEST)[:64] + bytes([v]))


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        bytes(65),
        bytes(66),
        CURVE_ORDER.to_bytes(32) + (1).to_bytes(32) + b"\x1b",
        (1).to_bytes(32) + bytes(32) + b"\x1b",
        (5).to_bytes(32) + (1).to_bytes(32) + b"\x1b",
    ],
)
def test_malformed_signatures_are_refused(signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        recover_signer(DIGEST, signature)
    assert not is_signed_by(bytes(20), DIGEST, signature)


@pytest.mark.parametrize("secret", [b"", bytes(32), CURVE_ORDER.to_bytes(32), bytes(33)])
def test_secrets_out_of_range_are_refused(secret: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        sign_digest(secret, DIGEST)


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        sign_digest(SECRET, Hash32(bytes(31)))
    with pytest.raises(SignatureInvalid):
        recover_signer(Hash32(bytes(31)), sign_digest(SECRET, DIGEST))
