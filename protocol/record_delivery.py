"""What one node tells another about a record, and what the other signs in return.

A delivery is an HTTP request whose token (`tokens`) names the SHA-256 of its body, so that nobody
can put other records under the same signature. The receiver answers each record, and each order to
erase one, with a confirmation: a signed statement that it holds the record, or holds it no more.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from protocol.hashing import sha256
from protocol.types import ContractAddress, Leaf, OrganisationId, to_hex

BODY_CLAIM = "body_sha256"


class Confirmed(StrEnum):
    """What a receiver has done."""

    STORED = "stored"
    ERASED = "erased"


def body_claim(body: bytes) -> dict[str, str]:
    """The claim that binds a token to the body that it comes with."""
    return {BODY_CLAIM: to_hex(sha256(body))}


def confirmation_facts(
    confirmed: Confirmed,
    leaf: Leaf,
    recipient: OrganisationId,
    chain_id: int,
    registry: ContractAddress,
) -> dict[str, Any]:
    """The claims of a confirmation, besides who states it, to whom and when."""
    return {
        "confirmed": confirmed.value,
        "leaf": to_hex(leaf),
        "recipient": to_hex(recipient),
        "chainId": chain_id,
        "registry": to_hex(registry),
    }
