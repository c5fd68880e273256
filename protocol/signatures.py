"""Signatures of accounts and holder keys: ECDSA on secp256k1, recoverable.

65 bytes r(32) | s(32) | v(1). v is 27 or 28; s lies in the lower half of the curve's order
(EIP-2), so that a signature has one form only. Nonces are deterministic (RFC 6979).
"""

from __future__ import annotations

from coincurve import PrivateKey, PublicKey

from protocol.commitments import CURVE_ORDER
from protocol.errors import SignatureInvalid
from protocol.hashing import keccak256
from protocol.types import ADDRESS_LENGTH, HASH_LENGTH, AccountAddress, Hash32

SIGNATURE_LENGTH = 65


def address_of(secret: bytes) -> AccountAddress:
    """The address of a 32-byte secret key. Raises SignatureInvalid for a key out of range."""
    return _address_of_public_key(_private_key(secret).public_key)


def sign_digest(secret: bytes, digest: Hash32) -> bytes:
    """Sign 32 bytes with a 32-byte secret key: 65 bytes r | s | v."""
    if len(digest) != HASH_LENGTH:
        raise SignatureInvalid(reason=f"the digest has {len(digest)} bytes, not 32")
    signature = _private_key(secret).sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes([27 + signature[64]])


def recover_signer(digest: Hash32, signature: bytes) -> AccountAddress:
    """The address whose key signed the digest.

    Raises SignatureInvalid for another length, v or the upper half of s, and where no key fits.
    """
    check_signature(signature)
    if signature[64] not in (27, 28):
        raise SignatureInvalid(reason=f"v is {signature[64]}")
    compact = signature[:64] + bytes([signature[64] - 27])
    try:
        key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except ValueError as error:
        raise SignatureInvalid(reason="no key fits it") from error
    return _address_of_public_key(key)


def is_signed_by(address: bytes, digest: Hash32, signature: bytes) -> bool:
    """Whether the signature over the digest is that of the address's key."""
    try:
        return recover_signer(digest, signature) == address
    except SignatureInvalid:
        return False


def check_signature(signature: bytes) -> None:
    """Raise SignatureInvalid unless length, r and s are those of a low-s signature."""
    if len(signature) != SIGNATURE_LENGTH:
        raise SignatureInvalid(reason=f"{len(signature)} bytes, not {SIGNATURE_LENGTH}")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    if not 0 < r < CURVE_ORDER or s == 0:
        raise SignatureInvalid(reason="r or s is out of range")
    if s > CURVE_ORDER // 2:
        raise SignatureInvalid(reason="s lies in the upper half")


def _private_key(secret: bytes) -> PrivateKey:
    if len(secret) != HASH_LENGTH or not 0 < int.from_bytes(secret) < CURVE_ORDER:
        raise SignatureInvalid(reason="the secret key is out of range")
    return PrivateKey(secret)


def _address_of_public_key(key: PublicKey) -> AccountAddress:
    return AccountAddress(keccak256(key.format(compressed=False)[1:])[-ADDRESS_LENGTH:])
