"""Shapes of a learner's session."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from node.api.rule_schemas import DocumentObject
from node.api.schemas.base import Address, AsOf, EntryBytes, Hash, Shape, Signature
from node.api.schemas.consents import ConsentAnswer


class SessionBegun(Shape):
    """`token` goes into `Authorization: Bearer`; each one-time key signs `nonce`."""

    token: str
    nonce: Hash
    seconds: int


class HolderProof(Shape):
    """A one-time key's signature over EIP-712 `HolderSession(bytes32 nonce)`."""

    holder: Address
    signature: Signature


class ProveHolders(Shape):
    """Up to 100 keys at once."""

    holders: Annotated[list[HolderProof], Field(min_length=1, max_length=100)]


class KnownHolders(Shape):
    """Which of the keys just sent hold a consent here, in the order sent."""

    known: list[bool]


class HeldConsent(Shape):
    """A consent of the learner, with what it says."""

    status: ConsentAnswer
    entry: EntryBytes
    valid_from: int
    valid_until: int
    issuer: Address
    issuer_did: str | None
    document: DocumentObject | None


class HeldConsents(Shape):
    """What this node holds for the keys of the session; `next` asks for what begins before."""

    as_of: AsOf
    consents: list[HeldConsent]
    next: Hash | None
