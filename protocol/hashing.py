"""The two hash functions of the ledger.

SHA-256 (FIPS 180-4) for documents, leaves and trees, since the rules for qualified electronic
ledgers want it; keccak256 (as in the Ethereum yellow paper) where the chain prescribes it:
EIP-712 digests, addresses, ids of organisations.
"""

from __future__ import annotations

import hashlib

from eth_hash.auto import keccak

from protocol.types import Hash32


def sha256(data: bytes) -> Hash32:
    """SHA-256 of the bytes, 32 bytes."""
    return Hash32(hashlib.sha256(data).digest())


def keccak256(data: bytes) -> Hash32:
    """keccak256 of the bytes, 32 bytes."""
    return Hash32(keccak(data))
