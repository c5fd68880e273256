"""API keys: shown once and kept as their SHA-256, so whoever reads the database cannot call."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "ptx_"


def new_api_key() -> str:
    """A fresh key: 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> bytes:
    """What is stored of a key. The key itself has full entropy, so a plain hash suffices."""
    return hashlib.sha256(key.encode()).digest()
