"""An organisation's own name for a person: sealed wherever it is kept, found by a keyed hash.

    key  = HMAC-SHA256(master key, "ptx-ledger/subject/v1" ‖ organisation(20))
    hash = HMAC-SHA256(key, reference as UTF-8)

So the database alone does not tell a reference, not even by trying all numbers of a school, and
the same reference at two organisations has two hashes.
"""

from __future__ import annotations

import hmac

LABEL = b"ptx-ledger/subject/v1"
REFERENCE_LENGTH_MAX = 200


def subject_hash(reference: str, organisation_id: bytes, master_key: bytes) -> bytes:
    """By what an organisation finds what it keeps about a person, 32 bytes."""
    key = hmac.digest(master_key, LABEL + organisation_id, "sha256")
    return hmac.digest(key, reference.encode(), "sha256")
