"""Promises to propose terms on chain, and keeps the document that they came from."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement
from indexer.queries.participants import find_participant
from indexer.queries.rates import rates_in_force
from node import tables
from node.commands.authority import require_operator_may
from node.contracts import Deployment
from node.db import query
from node.outbox import IN_VAIN, Promise, enqueue, find_act, lock_promise
from node.problems import Problem, refused
from protocol.agreement import AgreementState, ProposalContext, Terms, validate_terms
from protocol.canonical import digest_of
from protocol.errors import (
    ParentInvalid,
    PartiesNotAscending,
    PartyCountInvalid,
    PartyNotAdmitted,
    PayeeNotParty,
    ProtocolError,
    TooManyLines,
    UnknownCategory,
    ValidityInvalid,
)
from protocol.periods import period_of
from protocol.signing import agreement_id_of
from protocol.terms_json import terms_to_json
from protocol.types import AgreementId, OrganisationId, Scope, UnixSeconds, to_hex

FIELD_OF: dict[type[ProtocolError], str] = {
    ParentInvalid: ".parent",
    PartiesNotAscending: ".parties",
    PartyCountInvalid: ".parties",
    PartyNotAdmitted: ".parties",
    PayeeNotParty: ".lines",
    TooManyLines: ".lines",
    UnknownCategory: ".lines",
    ValidityInvalid: ".validUntil",
}


async def propose_agreement(
    connection: AsyncConnection,
    deployment: Deployment,
    operator: OrganisationId,
    organisation: OrganisationId,
    terms: Terms,
    document: dict[str, Any] | None,
    now: int,
) -> AgreementId:
    """The agreement's id. Raises the errors that the contract would, and for hashes that do not
    belong to the document."""
    agreement_id = agreement_id_of(
        terms, deployment.chain_id, deployment.address_bytes("AgreementRegistry")
    )
    await require_operator_may(connection, operator, organisation, Scope.AGREE, now)
    if document is not None:
        check_document(terms, document)
    await lock_promise(connection, "propose", agreement_id)
    context = await _context(connection, agreement_id, terms, now)
    try:
        validate_terms(terms, organisation, agreement_id, context)
    except ProtocolError as error:
        raise refused(error, f"terms{FIELD_OF.get(type(error), '')}") from error
    shape = terms_to_json(terms)
    await connection.execute(
        insert(tables.agreement_documents)
        .values(
            organisation_id=organisation, agreement_id=agreement_id, terms=shape, document=document
        )
        .on_conflict_do_nothing()
    )
    payload = {"organisation": to_hex(organisation), "terms": shape}
    promise = Promise(agreement_id, payload, expires_at=terms.valid_until)
    await enqueue(connection, "propose", [promise], organisation)
    return agreement_id


def check_document(terms: Terms, document: dict[str, Any], at: str = "") -> None:
    """Raises a problem unless the terms name the document's hashes. It is about the terms, or about
    what stands at `at` where the terms are agreed on already."""
    expected = {"documentHash": (terms.document_hash, digest_of(document))}
    if "policy" in document:
        expected["policyHash"] = (terms.policy_hash, digest_of(document["policy"]))
    for name, (given, computed) in expected.items():
        if given != computed:
            remedy = f"Send {to_hex(computed)}, the SHA-256 of the canonical JSON (RFC 8785)."
            if at:
                remedy = f"Send the document whose canonical JSON (RFC 8785) has {to_hex(given)}."
            detail = f"{name} is {to_hex(given)}, the document's is {to_hex(computed)}."
            raise Problem.of("document-hash-wrong", detail, remedy).about(at or f"terms.{name}")


async def _context(
    connection: AsyncConnection, agreement_id: AgreementId, terms: Terms, now: int
) -> ProposalContext:
    """What the chain, and this node's own promises, say to the rules."""
    found = [await query(connection, find_participant, party) for party in terms.parties]
    admitted = [party.organisation for party in found if party and not party.suspended]
    known = await query(connection, find_agreement, agreement_id)
    promised = await find_act(connection, "propose", agreement_id)
    is_proposed = known is not None or (promised is not None and promised.state not in IN_VAIN)
    parent = await query(connection, find_agreement, terms.parent)
    was_active = parent is not None and any(
        state is AgreementState.ACTIVE for _, state in parent.facts.history
    )
    return ProposalContext(
        block_time=UnixSeconds(now),
        admitted=admitted,
        categories=(await query(connection, rates_in_force, period_of(UnixSeconds(now)))).keys(),
        proposed=[agreement_id] if is_proposed else [],
        ever_active={terms.parent: parent.terms.parties} if parent and was_active else {},
    )
