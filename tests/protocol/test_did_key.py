"""Public keys inside DIDs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.did_key import (
    CURVES,
    PublicKey,
    decode_base58,
    decode_base64url,
    is_signed_by_key,
    key_of_did,
    key_of_jwk,
)
from protocol.errors import DidUnsupported
from tests.protocol.consent_examples import (
    base58,
    base64url,
    did_key_of,
    jwk_of,
    private_key,
    sign_with,
)


@given(st.binary(max_size=60))
def test_texts_decode_to_what_was_encoded(value: bytes) -> None:
    assert decode_base58(base58(value)) == value
    assert decode_base64url(base64url(value)) == value


@pytest.mark.parametrize("curve", CURVES)
def test_a_did_key_holds_the_key_that_signs(curve: str) -> None:
    private = private_key("one", curve)
    key = key_of_did(did_key_of(private, curve))
    assert key.x == private.public_key().public_numbers().x
    signature = sign_with(private, b"message")
    assert is_signed_by_key(key, b"message", signature)
    assert not is_signed_by_key(key, b"other", signature)
    assert not is_signed_by_key(key, b"message", signature[:63])
    assert not is_signed_by_key(
        key_of_did(did_key_of(private_key("two", curve), curve)), b"message", signature
    )


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did:web:a.example",
        "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
        "did:key:z0",
        "did:key:z" + base58(bytes.fromhex("d1d603") + b"not json"),
        "did:key:z" + base58(bytes.fromhex("d1d603") + b'{"kty":"OKP"}'),
        "did:key:z" + base58(bytes.fromhex("d1d603") + b"[]"),
    ],
)
def test_other_dids_hold_no_key(did: str) -> None:
    with pytest.raises(DidUnsupported):
        key_of_did(did)


def test_a_point_off_the_curve_is_no_key() -> None:
    jwk = jwk_of(private_key("one"), "P-256")
    assert key_of_jwk(jwk) is not None
    assert key_of_jwk({**jwk, "y": jwk["x"]}) is None
    assert key_of_jwk({**jwk, "x": "*"}) is None
    assert key_of_jwk({**jwk, "crv": "P-384"}) is None
    assert not is_signed_by_key(PublicKey("P-256", 1, 1), b"", bytes(64))
