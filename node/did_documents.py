"""DID documents of organisations, found wherever they are and believed by their hash on the chain.

A document counts if its hash is the one that the organisation has written on chain: so it does not
matter who serves it, and a rotation counts as soon as the index has it. Looked for in memory, among
those that this node serves, at the service address that the chain names, and where a did:web says.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from indexer.queries.participants import ParticipantRow, find_participant
from node.db import query
from node.outgoing import NoAnswer, TargetRefused, call, open_client
from protocol.did_document import (
    BYTES_MAX,
    Jwk,
    Relationship,
    check_did_document,
    did_document_hash,
    find_key,
    url_of_did_web,
)
from protocol.errors import DidDocumentInvalid, TokenInvalid
from protocol.identifiers import organisation_id
from protocol.tokens import Token, check_signature
from protocol.types import OrganisationId, to_hex

REMEMBERED_MAX = 1_000
FAILURE_SECONDS = 5.0
"""How long a document that was not found is not looked for again."""

Document = Mapping[str, Any]


class DidDocumentUnknown(Exception):
    """There is no document that counts; the text says why, and what its organisation does."""


class DidDocuments:
    """Finds documents for one process."""

    def __init__(self, database: AsyncEngine, private_addresses: bool) -> None:
        self._database = database
        self._private_addresses = private_addresses
        self._http = open_client()
        self._known: OrderedDict[bytes, Document] = OrderedDict()
        self._failures: dict[bytes, tuple[float, str]] = {}

    async def close(self) -> None:
        """After the last question."""
        await self._http.aclose()

    async def check_signer(self, token: Token, relationship: Relationship) -> ParticipantRow:
        """Who signed a token, by the chain. Raises TokenInvalid or DidDocumentUnknown."""
        participant, key = await self.find_signer(token, relationship)
        check_signature(token, key)
        return participant

    async def find_signer(
        self, token: Token, relationship: Relationship
    ) -> tuple[ParticipantRow, Jwk]:
        """Whom a token names as its signer, and the key that it names. Raises TokenInvalid or
        DidDocumentUnknown; who is not admitted makes the node call nobody."""
        organisation = organisation_id(token.issuer)
        async with self._database.connect() as connection:
            participant = await query(connection, find_participant, organisation)
        if participant is None:
            raise TokenInvalid(reason=f"{token.issuer} is no participant")
        key = await self.key_of(participant, token.kid, relationship)
        if key is None:
            raise TokenInvalid(reason=f"the DID document has no key {token.kid} for this")
        return participant, key

    async def key_of(
        self, participant: ParticipantRow, kid: str, relationship: Relationship
    ) -> Jwk | None:
        """A key of the organisation's document. Raises DidDocumentUnknown."""
        return find_key(await self.find(participant), kid, relationship)

    async def find(self, participant: ParticipantRow) -> Document:
        """The document that the chain names. Raises DidDocumentUnknown."""
        wanted = participant.did_document_hash
        if wanted is None:
            raise DidDocumentUnknown(
                f"{participant.did} has no DID document on the chain: its account with the scope "
                "manage calls ParticipantRegistry.describe with the document's hash."
            )
        document = self._known.get(wanted)
        if document is None:
            document = await self._look(participant, wanted)
            self._known[wanted] = document
            if len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(wanted)
        return document

    async def _look(self, participant: ParticipantRow, wanted: bytes) -> Document:
        own = await find_own_document(self._database, participant.organisation, wanted)
        if own is not None:
            return own
        return await self._look_elsewhere(participant, wanted)

    async def _look_elsewhere(self, participant: ParticipantRow, wanted: bytes) -> Document:
        failed_at, reason = self._failures.get(wanted, (0.0, ""))
        if reason and time.monotonic() < failed_at + FAILURE_SECONDS:
            raise DidDocumentUnknown(reason)
        faults = []
        for url in _places_of(participant):
            try:
                return await self._fetch(url, participant.did, wanted)
            except (TargetRefused, NoAnswer, DidDocumentInvalid) as error:
                faults.append(f"{url}: {error}")
        told = " ".join(faults) or "The chain names no service address."
        reason = f"The DID document of {participant.did} was not found. {told}"
        if len(self._failures) >= REMEMBERED_MAX:
            self._failures.clear()
        self._failures[wanted] = (time.monotonic(), reason)
        raise DidDocumentUnknown(reason)

    async def _fetch(self, url: str, did: str, wanted: bytes) -> Document:
        answer = await call(self._http, "GET", url, self._private_addresses, BYTES_MAX)
        if answer.status != 200:
            raise NoAnswer(f"It answered {answer.status}.")
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise DidDocumentInvalid(reason="it is no JSON") from error
        check_did_document(document, did)
        if did_document_hash(document) != wanted:
            raise DidDocumentInvalid(reason="its hash is not the one on the chain")
        found: Document = document
        return found


async def find_own_document(
    database: AsyncEngine, organisation: bytes, wanted: bytes | None
) -> Document | None:
    """A document that this node serves: the one of this hash; None where there is none."""
    statement = text(
        "SELECT document FROM node.did_documents_of(:organisation) WHERE document_hash = :wanted"
    )
    values = {"organisation": organisation, "wanted": wanted}
    async with database.connect() as connection:
        found = (await connection.execute(statement, values)).scalar_one_or_none()
    return None if found is None else json.loads(found)


def service_url(service_address: str, path: str) -> str:
    """A route of the node at a service address."""
    return service_address.rstrip("/") + path


def document_path(organisation: OrganisationId) -> str:
    """Where each node serves the document of an organisation that it hosts."""
    return f"/v1/did-documents/{to_hex(organisation)}"


def _places_of(participant: ParticipantRow) -> Iterator[str]:
    if participant.service_address:
        yield service_url(participant.service_address, document_path(participant.organisation))
    web = url_of_did_web(participant.did)
    if web is not None:
        yield web
