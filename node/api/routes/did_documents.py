"""`/v1/did-documents`: whose keys speak for an organisation; the chain holds the hash."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_participant
from node.api.context import Context, NodeContext
from node.api.idempotency import write_once
from node.api.principal import Principal, may
from node.api.schemas.base import Address
from node.api.schemas.did_documents import KeepDidDocument, KeptDidDocument
from node.commands.keep_did_documents import choose_did_document, keep_did_document
from node.db import query
from node.permissions import Area
from node.problems import naming, not_found, refused
from protocol.errors import NotAdmitted
from protocol.types import OrganisationId, to_hex

router = APIRouter(tags=["did documents"])
Writer = Annotated[Principal, may(Area.ACCESS, write=True)]


class DidDocumentResponse(JSONResponse):
    """JSON-LD, as W3C DID Core names it."""

    media_type = "application/did+ld+json"


@router.get(
    "/v1/did-documents/{organisation_id}",
    response_class=DidDocumentResponse,
    response_model=dict[str, Any],
)
async def show(context: NodeContext, organisation_id: Address) -> Response:
    """The DID document of an organisation that this node hosts. Public; believe it if its SHA-256
    in canonical form (RFC 8785) is the one on chain."""
    return await _document(context, organisation_id)


@router.get(
    "/.well-known/did.json", response_class=DidDocumentResponse, response_model=dict[str, Any]
)
async def show_operator(context: NodeContext) -> Response:
    """The DID document of this node's operator, where a did:web says that it is. Public."""
    return await _document(context, context.operator)


@router.post("/v1/did-documents", status_code=201, response_model=KeptDidDocument)
async def keep(
    context: NodeContext, caller: Writer, request: Request, body: KeepDidDocument
) -> JSONResponse:
    """Serves a DID document of the caller's organisation from now on. It counts once its hash is on
    chain, which the organisation's own account writes there."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        participant = await query(connection, find_participant, caller.organisation_id)
        if participant is None:
            raise refused(NotAdmitted(organisation=OrganisationId(caller.organisation_id)))
        with naming("document"):
            made = await keep_did_document(connection, participant, body.document)
        answer = KeptDidDocument(
            organisation_id=caller.organisation_id,
            document_hash=made,
            is_on_chain=made == participant.did_document_hash,
        )
        return 201, answer.to_json()

    return await write_once(context, caller, request, None, act)


async def _document(context: Context, organisation: bytes) -> Response:
    async with context.database.connect() as connection:
        participant = await query(connection, find_participant, organisation)
        named = None if participant is None else participant.did_document_hash
        document = await choose_did_document(connection, organisation, named)
    if document is None:
        raise not_found(
            "did-document",
            f"of {to_hex(organisation)} on this node",
            "Ask the node at the organisation's service address: GET /v1/participants names it.",
        )
    return DidDocumentResponse(json.loads(document))
