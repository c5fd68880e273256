"""One-time keys of a learner."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from protocol.commitments import CURVE_ORDER
from protocol.errors import HolderKeyInvalid, SignatureInvalid
from protocol.hashing import sha256
from protocol.holder_keys import (
    SCAN_GAP,
    address_of,
    derive_holder_key,
    hkdf_sha256,
    holder_seed_digest,
    holder_seed_message,
    passkey_salt,
    seed_from_signature,
    session_digest,
)
from protocol.identifiers import organisation_id
from protocol.signatures import recover_signer
from protocol.types import OrganisationId, from_hex, to_checksum_address, to_hex

seeds = st.one_of(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=40), st.integers(1, 200))
def test_key_derivation_is_hkdf(material: bytes, info: bytes, length: int) -> None:
    reference = HKDF(algorithm=SHA256(), length=length, salt=b"", info=info)
    assert hkdf_sha256(material, info, length) == reference.derive(material)


def test_the_third_case_of_rfc_5869() -> None:
    derived = hkdf_sha256(b"\x0b" * 22, b"", 42)
    assert derived.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@given(seeds, st.integers(0, 2**32 - 1))
def test_keys_are_in_range_and_follow_the_formula(seed: bytes, index: int) -> None:
    key = derive_holder_key(seed, index)
    info = b"ptx-ledger/holder/v1" + index.to_bytes(4)
    material = HKDF(algorithm=SHA256(), length=48, salt=None, info=info).derive(seed)
    assert int.from_bytes(key) == 1 + int.from_bytes(material) % (CURVE_ORDER - 1)
    assert len(key) == 32


@given(seeds)
def test_no_two_keys_of_a_seed_are_the_same(seed: bytes) -> None:
    assert len({derive_holder_key(seed, index) for index in range(SCAN_GAP)}) == SCAN_GAP


def test_keys_are_the_golden_ones(vectors: Any) -> None:
    cases = vectors("holder_keys")
    for case in cases.values():
        for each in case["keys"]:
            key = derive_holder_key(from_hex(case["seed"]), each["index"])
            assert to_hex(key) == each["secretKey"]
            assert to_checksum_address(address_of(key)) == each["address"]
    wallet, passkey = cases["wallet"], cases["passkey"]
    assert to_hex(seed_from_signature(from_hex(wallet["signature"]))) == wallet["seed"]
    operator_id = OrganisationId(from_hex(passkey["operatorId"]))
    assert to_hex(passkey_salt(passkey["chainId"], operator_id)) == passkey["salt"]


def test_the_seed_message_shows_the_operator() -> None:
    message = holder_seed_message("did:web:a.example", 5)
    assert message["domain"] == {"name": "PTX Holder", "version": "1", "chainId": 5}
    assert message["message"]["operator"] == "did:web:a.example"
    operator_id = to_checksum_address(organisation_id("did:web:a.example"))
    assert message["message"]["operatorId"] == operator_id


def test_each_operator_and_chain_has_its_own_seed() -> None:
    digests = {
        holder_seed_digest(did, chain) for did in ("did:web:a", "did:web:b") for chain in (1, 2)
    }
    salts = {
        passkey_salt(chain, organisation_id(did)) for did in ("did:a", "did:b") for chain in (1, 2)
    }
    assert len(digests) == len(salts) == 4


def test_the_salt_is_the_hash_of_label_chain_and_operator() -> None:
    operator_id = organisation_id("did:web:a")
    expected = sha256(b"ptx-ledger/holder/v1" + bytes(7) + b"\x05" + operator_id)
    assert passkey_salt(5, operator_id) == expected
    with pytest.raises(HolderKeyInvalid):
        passkey_salt(2**64, operator_id)


def test_a_seed_of_the_other_form_is_refused(vectors: Any) -> None:
    signature = from_hex(vectors("holder_keys")["wallet"]["signature"])
    high = (CURVE_ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    for wrong in (signature[:32] + high + signature[64:], signature[:64], b""):
        with pytest.raises(SignatureInvalid):
            seed_from_signature(wrong)


@pytest.mark.parametrize(
    ("seed", "index"), [(bytes(31), 0), (b"", 0), (bytes(32), -1), (bytes(32), 2**32)]
)
def test_other_seeds_and_indices_are_refused(seed: bytes, index: int) -> None:
    with pytest.raises(HolderKeyInvalid):
        derive_holder_key(seed, index)


def test_a_session_proof_is_bound_to_chain_and_nonce(vectors: Any) -> None:
    case = vectors("eip712")["holder-session"]
    nonce = from_hex(case["typedData"]["message"]["nonce"])
    digest = session_digest(case["typedData"]["domain"]["chainId"], nonce)
    assert to_hex(digest) == case["digest"]
    assert (
        to_checksum_address(recover_signer(digest, from_hex(case["signature"]))) == case["signer"]
    )
    assert len({session_digest(1, bytes(32)), session_digest(2, bytes(32)), digest}) == 3
