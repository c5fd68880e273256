"""Canonical JSON: one byte string for one document.

RFC 8785 (JSON Canonicalization Scheme) sorts keys, fixes numbers and escapes, so that everybody
computes the same SHA-256 digest of the same document.
"""

from __future__ import annotations

from typing import Any

import rfc8785

from protocol.errors import CanonicalisationInvalid
from protocol.hashing import sha256
from protocol.types import Hash32


def canonicalise(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value, UTF-8.

    Raises CanonicalisationInvalid for what JSON cannot say: infinite numbers, whole numbers
    from 2**53 on, keys that are not text, lone surrogates.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise CanonicalisationInvalid(reason=str(error)) from error


def digest_of(value: Any) -> Hash32:
    """SHA-256 of the canonical form, 32 bytes. Raises CanonicalisationInvalid."""
    return sha256(canonicalise(value))
