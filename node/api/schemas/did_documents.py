"""Shapes of DID documents."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from node.api.schemas.base import Address, Hash, Shape, StoredJson

EXAMPLE = {
    "@context": ["https://www.w3.org/ns/did/v1"],
    "id": "did:web:school.example",
    "verificationMethod": [
        {
            "id": "did:web:school.example#machine",
            "type": "JsonWebKey2020",
            "controller": "did:web:school.example",
            "publicKeyJwk": {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            },
        }
    ],
    "authentication": ["did:web:school.example#machine"],
}


class KeepDidDocument(Shape):
    """The DID document of the caller's organisation, with the public keys of its machines: on
    P-256, secp256k1 or Ed25519."""

    document: Annotated[StoredJson, Field(examples=[EXAMPLE])]


class KeptDidDocument(Shape):
    """The document counts once `documentHash` is the organisation's on chain: its account with the
    scope manage calls `ParticipantRegistry.describe` with it."""

    organisation_id: Address
    document_hash: Hash
    is_on_chain: bool
