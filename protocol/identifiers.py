"""Ids of organisations.

An organisation is known by its decentralised identifier (W3C DID Core). Its id on chain is the
last 20 bytes of the DID's keccak256: permanent, of an address's shape, and nobody has its key.
"""

from __future__ import annotations

from protocol.errors import DidEmpty
from protocol.hashing import keccak256
from protocol.types import ADDRESS_LENGTH, OrganisationId


def organisation_id(did: str) -> OrganisationId:
    """The id of the organisation with this DID, 20 bytes. Raises DidEmpty."""
    if not did:
        raise DidEmpty()
    return OrganisationId(keccak256(did.encode())[-ADDRESS_LENGTH:])
