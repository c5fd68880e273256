"""Records at rest: AES-256-GCM under a data key of their own, which the master key wraps.

Where the wrapped key was deleted, ciphertext that is left behind (a dead row, a block of a disk)
opens no more. A backup from before has both: it opens with the master key, which is in no dump, and
a restore erases again what `erasure_journal` names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

NONCE_BYTES = 12


class SealError(Exception):
    """A sealed record does not open: wrong master key, or its bytes were changed."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """nonce(12) ‖ ciphertext ‖ tag(16), and the data key wrapped as in RFC 3394 (40 bytes)."""

    ciphertext: bytes
    wrapped_key: bytes


def seal(plaintext: bytes, bound_to: bytes, master_key: bytes) -> SealedRecord:
    """Encrypts with a fresh data key; `bound_to` (the leaf) is authenticated, not stored."""
    data_key = AESGCM.generate_key(bit_length=256)
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = nonce + AESGCM(data_key).encrypt(nonce, plaintext, bound_to)
    return SealedRecord(ciphertext, aes_key_wrap(master_key, data_key))


def unseal(sealed: SealedRecord, bound_to: bytes, master_key: bytes) -> bytes:
    """Decrypts; raises SealError."""
    try:
        data_key = aes_key_unwrap(master_key, sealed.wrapped_key)
        nonce, body = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        return AESGCM(data_key).decrypt(nonce, body, bound_to)
    except (InvalidTag, InvalidUnwrap, ValueError) as error:
        raise SealError(
            "A sealed record does not open: restore the master key it was sealed with."
        ) from error
