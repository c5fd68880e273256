"""Keeps the document of an agreement for a party that did not propose it, once its hashes are shown
to be those of the terms."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.commands.change_agreement import read_lifecycle
from node.commands.propose_agreement import check_document
from node.commands.sign_agreement import terms_to_accept
from node.problems import not_found, refused
from protocol.agreement import AgreementState
from protocol.errors import StateInvalid
from protocol.terms_json import terms_to_json
from protocol.types import AgreementId, OrganisationId, to_hex


async def keep_document(
    connection: AsyncConnection,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    document: dict[str, Any],
) -> None:
    """Only while the agreement is proposed: what its policy asks of consents is known before the
    first of them. Raises a problem for who is no party, and for another document than the terms'.
    """
    life = await read_lifecycle(connection, agreement_id)
    if life is None or organisation not in life.parties:
        remedy = "Only a party keeps it: GET /v1/agreements/{agreementId} shows the parties."
        raise not_found("agreement", to_hex(agreement_id), remedy).about("agreement_id")
    if life.state is not AgreementState.PROPOSED:
        error = StateInvalid(agreement_id=agreement_id, state=life.state)
        raise refused(error, "agreement_id")
    terms = await terms_to_accept(connection, agreement_id, organisation)
    check_document(terms, document, "document")
    kept = tables.agreement_documents
    row = {
        "organisation_id": organisation,
        "agreement_id": agreement_id,
        "terms": terms_to_json(terms),
        "document": document,
    }
    statement = insert(kept).values(row)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[kept.c.organisation_id, kept.c.agreement_id],
            set_={"document": statement.excluded.document},
        )
    )
