"""Bearer tokens that a node hands out: shown once and kept as their SHA-256, so whoever reads the
database cannot call. An API key is of a machine, a session token of a person."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "ptx_"
SESSION_PREFIX = "ptxs_"
INVITATION_PREFIX = "ptxi_"
TOKEN_ID_BYTES = 16


def new_api_key() -> str:
    """A fresh key: 256 random bits."""
    return new_token(KEY_PREFIX)


def new_token(prefix: str) -> str:
    """256 random bits; the prefix tells a person, and a scanner for lost secrets, what it is."""
    return prefix + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> bytes:
    """What is stored of a key. The key itself has full entropy, so a plain hash suffices."""
    return hashlib.sha256(key.encode()).digest()


def token_id(token_hash: bytes) -> bytes:
    """The name of a key or session among those of its organisation: the first half of its hash,
    which opens nothing and tells whose file holds which key."""
    return token_hash[:TOKEN_ID_BYTES]
