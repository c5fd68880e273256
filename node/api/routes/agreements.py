"""`/v1/agreements`: propose terms, sign them, see where they stand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement, find_agreement_facts
from indexer.queries.history import history_of_agreement
from node.api.as_of import AtTime, block_asked, time_asked
from node.api.context import Context, NodeContext, require_fresh
from node.api.idempotency import IdempotencyKey, write_once
from node.api.principal import Principal, may
from node.api.schemas.agreements import (
    Acceptance,
    Agreement,
    AgreementNotYetProposed,
    KeepDocument,
    KeptDocument,
    PendingAgreement,
    PromisedSignatureShape,
    ProposeAgreement,
    ProposedAgreement,
    QueuedChange,
    QueuedSignature,
    Reason,
    SignAgreement,
)
from node.api.schemas.base import Address, AsOf, Block, Hash
from node.commands.change_agreement import Change, change_agreement
from node.commands.keep_document import keep_document
from node.commands.propose_agreement import propose_agreement
from node.commands.sign_agreement import (
    promised_signatures,
    sign_agreement,
    terms_to_accept,
)
from node.db import act_as, query, snapshots
from node.outbox import IN_VAIN, find_act
from node.permissions import Area
from node.problems import not_found
from protocol.agreement import status_at
from protocol.canonical import digest_of
from protocol.signing import typed_data_acceptance
from protocol.types import ZERO_HASH, AccountAddress, AgreementId, Hash32, OrganisationId, to_hex

router = APIRouter(prefix="/v1/agreements", tags=["agreements"])
Reader = Annotated[Principal, may(Area.AGREEMENTS)]
Writer = Annotated[Principal, may(Area.AGREEMENTS, write=True)]

NAME_A_PARTY = (
    "Add ?organisation= with the id of a party; GET /v1/agreements/{agreementId} shows them."
)


@router.post("", status_code=202, response_model=ProposedAgreement)
async def propose(
    context: NodeContext,
    caller: Writer,
    request: Request,
    body: ProposeAgreement,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to propose the terms for the caller's organisation; answers what it signs."""
    terms = body.terms.to_terms()
    deployment = context.deployment

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        agreement_id = await propose_agreement(
            connection,
            deployment,
            context.operator,
            OrganisationId(caller.organisation_id),
            terms,
            body.document,
            freshness.now,
        )
        registry = deployment.address_bytes("AgreementRegistry")
        typed_data = typed_data_acceptance(
            OrganisationId(caller.organisation_id), terms, deployment.chain_id, registry
        )
        answer = ProposedAgreement(agreement_id=agreement_id, state="queued", typed_data=typed_data)
        return 202, answer.to_json()

    return await write_once(context, caller, request, key, act)


@router.post("/{agreement_id}/signatures", status_code=202, response_model=QueuedSignature)
async def sign(
    context: NodeContext,
    caller: Writer,
    request: Request,
    agreement_id: Hash,
    body: SignAgreement,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to bring a party's signature to the chain; the last one activates the agreement."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        await sign_agreement(
            connection,
            context.deployment,
            OrganisationId(caller.organisation_id),
            AgreementId(agreement_id),
            OrganisationId(body.organisation),
            AccountAddress(body.signer),
            body.signature,
            freshness.now,
        )
        answer = QueuedSignature(
            agreement_id=agreement_id, organisation=body.organisation, state="queued"
        )
        return 202, answer.to_json()

    return await write_once(context, caller, request, key, act)


@router.post("/{agreement_id}/document", status_code=201, response_model=KeptDocument)
async def keep(
    context: NodeContext,
    caller: Writer,
    request: Request,
    agreement_id: Hash,
    body: KeepDocument,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keeps the contract document of a proposal for a party, if its hashes are those of the terms;
    what its policy asks of consents then holds on this node."""

    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        await require_fresh(context, connection)
        organisation = OrganisationId(caller.organisation_id)
        await keep_document(connection, organisation, AgreementId(agreement_id), body.document)
        answer = KeptDocument(agreement_id=agreement_id, document_hash=digest_of(body.document))
        return 201, answer.to_json()

    return await write_once(context, caller, request, key, act)


@router.post("/{agreement_id}/suspend", status_code=202, response_model=QueuedChange)
async def suspend(
    context: NodeContext,
    caller: Writer,
    request: Request,
    agreement_id: Hash,
    body: Reason,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to suspend the agreement for the caller's organisation, until that resumes it."""
    return await _change(context, caller, request, agreement_id, "suspend", body.reason_hash, key)


@router.post("/{agreement_id}/resume", status_code=202, response_model=QueuedChange)
async def resume(
    context: NodeContext,
    caller: Writer,
    request: Request,
    agreement_id: Hash,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to take the organisation's own suspension back; those of others stay in force."""
    return await _change(context, caller, request, agreement_id, "resume", ZERO_HASH, key)


@router.post("/{agreement_id}/terminate", status_code=202, response_model=QueuedChange)
async def terminate(
    context: NodeContext,
    caller: Writer,
    request: Request,
    agreement_id: Hash,
    body: Reason,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Promises to end the agreement, also one only proposed, for ever."""
    return await _change(context, caller, request, agreement_id, "terminate", body.reason_hash, key)


@router.get("/{agreement_id}/acceptance", response_model=Acceptance)
async def show_acceptance(
    context: NodeContext,
    caller: Reader,
    agreement_id: Hash,
    organisation: Annotated[Address | None, Query()] = None,
) -> Acceptance:
    """What a party signs to accept the terms; by default the caller's organisation."""
    party = OrganisationId(organisation or caller.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        await require_fresh(context, connection)
        terms = await terms_to_accept(connection, AgreementId(agreement_id), party, NAME_A_PARTY)
    registry = context.deployment.address_bytes("AgreementRegistry")
    typed_data = typed_data_acceptance(party, terms, context.deployment.chain_id, registry)
    return Acceptance(agreement_id=agreement_id, organisation=party, typed_data=typed_data)


@router.get(
    "/{agreement_id}", response_model=Agreement | AgreementNotYetProposed | PendingAgreement
)
async def show(
    context: NodeContext, caller: Reader, agreement_id: Hash, at: AtTime = None
) -> Agreement | AgreementNotYetProposed | PendingAgreement:
    """One agreement as the chain has it, or as this node has promised it; with the signatures that
    the caller's organisation sent and that are not on chain. With `at`, what was known of it at
    that time, and how that is known."""
    async with snapshots(context.database).begin() as connection:
        await act_as(connection, caller.organisation_id)
        freshness = await require_fresh(context, connection)
        time = time_asked(at, freshness)
        row = await query(connection, find_agreement, agreement_id, at)
        is_to_come = row is None and await _is_proposed(connection, agreement_id)
        facts = await query(connection, history_of_agreement, AgreementId(agreement_id))
        promised = await find_act(connection, "propose", agreement_id)
        signatures = await promised_signatures(connection, AgreementId(agreement_id))
        block = await block_asked(connection, at, freshness)
    past: dict[str, Any] = {
        "as_of": AsOf.of(freshness),
        "at": at,
        "proven_by": None if block is None else Block.of(block),
    }
    if row is not None:
        shown = Agreement.of(row, status_at(row.facts, time), facts, past)
        # Promises are of now: what they became later was not known at another time.
        return shown if at is not None else shown.with_promises(signatures)
    if is_to_come:
        return AgreementNotYetProposed(**past, agreement_id=agreement_id, status="unknown")
    if promised is None:
        raise not_found("agreement", to_hex(agreement_id), "Propose it: POST /v1/agreements.")
    status_name = "refused" if promised.state in IN_VAIN else "queued"
    return PendingAgreement(
        agreement_id=agreement_id,
        status=status_name,
        failure=promised.failure,
        promised_signatures=[PromisedSignatureShape.of(each) for each in signatures],
    )


async def _is_proposed(connection: AsyncConnection, agreement_id: bytes) -> bool:
    return await query(connection, find_agreement_facts, agreement_id) is not None


async def _change(
    context: Context,
    caller: Principal,
    request: Request,
    agreement_id: bytes,
    change: Change,
    reason_hash: bytes,
    key: str | None,
) -> JSONResponse:
    async def act(connection: AsyncConnection) -> tuple[int, dict[str, Any]]:
        freshness = await require_fresh(context, connection)
        await change_agreement(
            connection,
            context.operator,
            OrganisationId(caller.organisation_id),
            AgreementId(agreement_id),
            change,
            Hash32(reason_hash),
            freshness,
        )
        answer = QueuedChange(
            agreement_id=agreement_id,
            organisation=caller.organisation_id,
            change=change,
            state="queued",
        )
        return 202, answer.to_json()

    return await write_once(context, caller, request, key, act)
