"""Keeps the DID documents that this node serves for its organisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import ParticipantRow
from node import tables
from protocol.canonical import canonicalise
from protocol.did_document import check_did_document, did_document_hash
from protocol.types import Hash32

KEPT_MAX = 5


async def keep_did_document(
    connection: AsyncConnection, participant: ParticipantRow, document: Mapping[str, Any]
) -> Hash32:
    """The document's hash. Of older ones the last few stay, and the one that the chain names.

    Raises DidDocumentInvalid.
    """
    check_did_document(document, participant.did)
    made = did_document_hash(document)
    kept = tables.did_documents
    own = kept.c.organisation_id == participant.organisation
    await connection.execute(
        insert(kept)
        .values(
            organisation_id=participant.organisation,
            document_hash=made,
            document=canonicalise(document).decode(),
        )
        .on_conflict_do_nothing()
    )
    newest = select(kept.c.document_hash).where(own).order_by(kept.c.created_at.desc())
    await connection.execute(
        delete(kept).where(
            own,
            kept.c.document_hash.not_in(newest.limit(KEPT_MAX)),
            kept.c.document_hash.not_in([made, participant.did_document_hash or b""]),
        )
    )
    return made


async def choose_did_document(
    connection: AsyncConnection, organisation: bytes, named: bytes | None
) -> str | None:
    """The canonical text of the document that the chain names, or of the newest while it names none
    that is served here."""
    statement = text("SELECT document_hash, document FROM node.did_documents_of(:organisation)")
    rows = (await connection.execute(statement, {"organisation": organisation})).all()
    for row in rows:
        if row.document_hash == named:
            return str(row.document)
    return str(rows[0].document) if rows else None
