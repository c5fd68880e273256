"""Hiding commitments to documents.

A Pedersen commitment (Pedersen, "Non-interactive and information-theoretic secure verifiable
secret sharing", 1991) on secp256k1: C = (digest mod n)*G + blinding*H. It hides perfectly: for
every digest there is a blinding that gives the same point, so once the blinding is deleted, the
commitment says nothing about the document. It binds, because nobody knows the logarithm of H to
the base G: H is the point with even y whose x is SHA-256 of the uncompressed G (BIP-341).
"""

from __future__ import annotations

import hashlib

from coincurve import PublicKey

from protocol.errors import CommitmentInvalid
from protocol.types import HASH_LENGTH, Hash32

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""n, the order of secp256k1 (SEC 2, section 2.4.1)."""
COMMITMENT_LENGTH = 33
RANDOMNESS_LENGTH = 48

_G = PublicKey.from_secret((1).to_bytes(HASH_LENGTH))
H_COMPRESSED = b"\x02" + hashlib.sha256(_G.format(compressed=False)).digest()
"""The second generator: 0250929b74...803ac0."""
_H = PublicKey(H_COMPRESSED)


def commit(digest: Hash32, blinding: int) -> bytes:
    """Commit to a document's digest: a compressed point, 33 bytes.

    `blinding` is uniform in 1 to n - 1. Raises CommitmentInvalid for another length or range,
    and in the unreachable case that the sum is the point at infinity.
    """
    if len(digest) != HASH_LENGTH:
        raise CommitmentInvalid(reason=f"the digest has {len(digest)} bytes, not 32")
    _check_blinding(blinding)
    scalar = int.from_bytes(digest) % CURVE_ORDER
    try:
        point = _H.multiply(blinding.to_bytes(HASH_LENGTH)).add(scalar.to_bytes(HASH_LENGTH))
    except ValueError as error:
        raise CommitmentInvalid(reason="the sum is the point at infinity") from error
    return point.format(compressed=True)


def opens(commitment: bytes, digest: Hash32, blinding: int) -> bool:
    """Whether the commitment is the one to this digest under this blinding.

    Raises CommitmentInvalid for a digest or blinding that nothing can be committed with.
    """
    return commit(digest, blinding) == commitment


def blinding_from_bytes(value: bytes) -> int:
    """Read a blinding from 32 bytes, big-endian. Raises CommitmentInvalid out of 1 to n - 1."""
    if len(value) != HASH_LENGTH:
        raise CommitmentInvalid(reason=f"the blinding has {len(value)} bytes, not 32")
    blinding = int.from_bytes(value)
    _check_blinding(blinding)
    return blinding


def blinding_to_bytes(blinding: int) -> bytes:
    """A blinding as 32 bytes, big-endian. Raises CommitmentInvalid out of 1 to n - 1."""
    _check_blinding(blinding)
    return blinding.to_bytes(HASH_LENGTH)


def blinding_from_randomness(randomness: bytes) -> int:
    """Turn 48 random bytes into a blinding whose distance from uniform is below 2**-127."""
    if len(randomness) != RANDOMNESS_LENGTH:
        raise CommitmentInvalid(reason=f"{len(randomness)} random bytes, not 48")
    return 1 + int.from_bytes(randomness) % (CURVE_ORDER - 1)


def _check_blinding(blinding: int) -> None:
    if not 1 <= blinding < CURVE_ORDER:
        raise CommitmentInvalid(reason="the blinding is not in 1 to n - 1")
