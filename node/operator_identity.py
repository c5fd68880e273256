"""The node's operator as other nodes know it: signs with a key that its DID document names.

Not the newest key file counts, but the newest that the document on chain holds: so a rotation may
be written long before the chain knows of it, and nothing is signed that others would refuse.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from indexer.queries.participants import find_participant
from node.db import query
from node.did_documents import find_own_document
from node.did_keys import DidKey, DidKeys
from protocol.did_document import find_key, key_id
from protocol.identifiers import organisation_id
from protocol.tokens import CONFIRMATION_TYPE, DELIVERY_TYPE, request_claims, sign_token


class NoSigningKey(Exception):
    """The chain names no key of this node for its operator."""


class OperatorIdentity:
    """Signs for one process of the node."""

    def __init__(self, did: str, keys: DidKeys, database: AsyncEngine) -> None:
        self.did = did
        self._keys = keys
        self._database = database

    async def sign_delivery(self, audience: str, claims: Mapping[str, Any]) -> str:
        """A token that asks another node for something, once. Raises NoSigningKey."""
        asked = {**request_claims(self.did, audience, time.time()), **claims}
        return self._sign(await self.signing_key(), asked, DELIVERY_TYPE)

    async def sign_confirmations(
        self, audience: str, stated: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Statements for somebody's files, in order. Raises NoSigningKey."""
        key = await self.signing_key()
        head = {"iss": self.did, "aud": audience, "iat": int(time.time())}
        return [self._sign(key, {**head, **facts}, CONFIRMATION_TYPE) for facts in stated]

    def _sign(self, key: DidKey, claims: Mapping[str, Any], token_type: str) -> str:
        return sign_token(claims, key_id(self.did, key.public_jwk), token_type, key.private_jwk)

    async def signing_key(self) -> DidKey:
        """The newest key that the document on chain holds. Raises NoSigningKey."""
        organisation = organisation_id(self.did)
        async with self._database.connect() as connection:
            participant = await query(connection, find_participant, organisation)
        named = None if participant is None else participant.did_document_hash
        document = None
        if named is not None:
            document = await find_own_document(self._database, organisation, named)
        if document is not None:
            for key in self._keys.newest_first():
                if find_key(document, key_id(self.did, key.public_jwk), "assertionMethod"):
                    return key
        raise NoSigningKey(
            f"The chain does not name this node's DID document for {self.did}: "
            "`ptx-ledger did publish` does that."
        )
