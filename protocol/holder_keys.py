"""A learner's one-time keys, derived and never stored.

    seed   wallet: r | s of the EIP-712 message HolderSeed, 64 bytes
           passkey: the WebAuthn PRF output for `passkey_salt`, 32 bytes
    key_i  = 1 + HKDF-SHA256(seed, salt "", info "ptx-ledger/holder/v1" | uint32 i, 48) mod (n - 1)
    as guardian of a holder: the same with info "ptx-ledger/guardian/v1" | holder(20)

One key a consent, so that nothing on chain recurs for a person. 48 bytes instead of 32 keep the
reduction's bias below 2**-127 (as in FIPS 186-5, A.2.1). HKDF is RFC 5869. To find one's
consents again, derive keys in order until `SCAN_GAP` in a row are unused. Who signs along for a
minor does so with a key that follows from the minor's: it never recurs, is no holder's, and its
owner can find it again from the record alone.
"""

from __future__ import annotations

import hmac
import struct
from typing import Any

from protocol.commitments import CURVE_ORDER
from protocol.eip712 import Domain, StructTypes, digest_of_typed_data, typed_data
from protocol.errors import HolderKeyInvalid
from protocol.hashing import sha256
from protocol.identifiers import organisation_id
from protocol.signatures import address_of as account_address_of
from protocol.signatures import check_signature
from protocol.types import (
    HASH_LENGTH,
    UINT32_MAX,
    UINT64_MAX,
    Hash32,
    HolderAddress,
    OrganisationId,
    to_checksum_address,
    to_hex,
)

SCAN_GAP = 20
"""Unused keys in a row after which a scan ends."""
KEY_LABEL = b"ptx-ledger/holder/v1"
GUARDIAN_LABEL = b"ptx-ledger/guardian/v1"
SEED_LENGTHS = (32, 64)
KEY_MATERIAL_LENGTH = 48

HOLDER_SEED_TYPES: StructTypes = (
    (
        "HolderSeed",
        (("operator", "string"), ("operatorId", "address"), ("chainId", "uint256")),
    ),
)
HOLDER_SESSION_TYPES: StructTypes = (("HolderSession", (("nonce", "bytes32"),)),)


def holder_seed_message(operator_did: str, chain_id: int) -> dict[str, Any]:
    """The typed data whose signature is a wallet's seed for one operator."""
    message = {
        "operator": operator_did,
        "operatorId": to_checksum_address(organisation_id(operator_did)),
        "chainId": str(chain_id),
    }
    return typed_data(_domain(chain_id), HOLDER_SEED_TYPES, message)


def holder_seed_digest(operator_did: str, chain_id: int) -> Hash32:
    """What a wallet signs to make the seed for one operator, 32 bytes."""
    return digest_of_typed_data(holder_seed_message(operator_did, chain_id))


def seed_from_signature(signature: bytes) -> bytes:
    """The seed in a wallet's signature: r | s, 64 bytes. Raises SignatureInvalid for high s."""
    check_signature(signature)
    return signature[:64]


def passkey_salt(chain_id: int, operator_id: OrganisationId) -> Hash32:
    """The salt that a passkey's PRF evaluates for one operator, 32 bytes."""
    if not 0 <= chain_id <= UINT64_MAX:
        raise HolderKeyInvalid(reason=f"the chain id {chain_id} exceeds 64 bits")
    return sha256(KEY_LABEL + chain_id.to_bytes(8) + operator_id)


def derive_holder_key(seed: bytes, index: int) -> bytes:
    """The secret key number `index` of a seed, 32 bytes. Raises HolderKeyInvalid."""
    if not 0 <= index <= UINT32_MAX:
        raise HolderKeyInvalid(reason=f"the index is {index}")
    return _derive(seed, KEY_LABEL + struct.pack(">I", index))


def derive_guardian_key(seed: bytes, holder: HolderAddress) -> bytes:
    """The secret key by which the owner of a seed signs along with a minor's one-time key, 32
    bytes. Raises HolderKeyInvalid."""
    return _derive(seed, GUARDIAN_LABEL + holder)


def _derive(seed: bytes, info: bytes) -> bytes:
    if len(seed) not in SEED_LENGTHS:
        raise HolderKeyInvalid(reason=f"the seed has {len(seed)} bytes")
    material = hkdf_sha256(seed, info, KEY_MATERIAL_LENGTH)
    return (1 + int.from_bytes(material) % (CURVE_ORDER - 1)).to_bytes(HASH_LENGTH)


def address_of(secret: bytes) -> HolderAddress:
    """The holder's address for a secret key, 20 bytes."""
    return HolderAddress(account_address_of(secret))


def typed_data_session(chain_id: int, nonce: bytes) -> dict[str, Any]:
    """The typed data by which a holder key proves itself to one learner session."""
    return typed_data(_domain(chain_id), HOLDER_SESSION_TYPES, {"nonce": to_hex(nonce)})


def session_digest(chain_id: int, nonce: bytes) -> Hash32:
    """What a holder key signs to join a session with this 32-byte nonce, 32 bytes."""
    return digest_of_typed_data(typed_data_session(chain_id, nonce))


def hkdf_sha256(key_material: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 and an empty salt (RFC 5869); at most 8,160 bytes."""
    pseudorandom_key = hmac.digest(bytes(HASH_LENGTH), key_material, "sha256")
    output = block = b""
    counter = 1
    while len(output) < length:
        block = hmac.digest(pseudorandom_key, block + info + bytes([counter]), "sha256")
        output, counter = output + block, counter + 1
    return output[:length]


def _domain(chain_id: int) -> Domain:
    return Domain("PTX Holder", "1", chain_id)
