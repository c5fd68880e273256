"""The DID document of the node's operator: written here, and described on chain by an act.

A document holds the newest key and, for the time of a rotation, the one before: what the earlier
key has signed is still verified while it is on its way.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_if_new

from indexer.queries.participants import ParticipantRow, find_participant
from node import tables
from node.did_keys import DidKeys
from protocol.canonical import canonicalise
from protocol.did_document import did_document_hash, make_did_document
from protocol.identifiers import organisation_id
from protocol.types import Hash32, to_hex

DESCRIBE = "describe"


class Standing(NamedTuple):
    """The newest document that is written here, and what the chain says of the operator."""

    document_hash: Hash32
    document: str
    participant: ParticipantRow | None

    def is_published(self, service_address: str) -> bool:
        """Whether the chain names this document and this address."""
        described = self.participant
        return (
            described is not None
            and described.did_document_hash == self.document_hash
            and described.service_address == service_address
        )


def write_document(
    connection: Connection, did: str, keys: DidKeys, with_earlier: bool = True
) -> Hash32:
    """A document of the newest key (made, if there is none) and, if wanted, of the one before."""
    chosen = keys.newest_first()[: 1 + with_earlier] or [keys.create()]
    document = make_did_document(did, [key.public_jwk for key in chosen])
    made = did_document_hash(document)
    connection.execute(
        insert_if_new(tables.did_documents)
        .values(
            organisation_id=organisation_id(did),
            document_hash=made,
            document=canonicalise(document).decode(),
        )
        .on_conflict_do_nothing()
    )
    return made


def read_standing(connection: Connection, did: str) -> Standing | None:
    """None where no document was written yet."""
    organisation = organisation_id(did)
    kept = tables.did_documents
    newest = (
        select(kept.c.document_hash, kept.c.document)
        .where(kept.c.organisation_id == organisation)
        .order_by(kept.c.created_at.desc())
        .limit(1)
    )
    row = connection.execute(newest).one_or_none()
    if row is None:
        return None
    participant = find_participant(connection, organisation)
    return Standing(Hash32(row.document_hash), row.document, participant)


def promise_description(
    connection: Connection, did: str, service_address: str, document_hash: Hash32
) -> None:
    """Queues the act that writes address and hash on chain; later ones never overtake it."""
    organisation = organisation_id(did)
    connection.execute(
        insert(tables.outbox).values(
            organisation_id=organisation,
            kind=DESCRIBE,
            subject=document_hash,
            order_key=organisation,
            payload={
                "organisation": to_hex(organisation),
                "serviceAddress": service_address,
                "didDocumentHash": to_hex(document_hash),
            },
        )
    )
