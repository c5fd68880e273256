"""Promises to bring a party's signature to the chain, and says what became of such promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import AgreementRow, find_agreement
from indexer.queries.participants import find_participant
from node import tables
from node.contracts import Deployment
from node.db import query
from node.outbox import IN_VAIN, Promise, enqueue, find_act, lock_promise
from node.problems import Problem, not_found, refused
from protocol.agreement import AgreementStatus, Terms, status_at
from protocol.errors import (
    AgreementSignatureInvalid,
    AlreadySigned,
    NotAuthorised,
    NotParty,
    StateInvalid,
)
from protocol.signatures import is_signed_by
from protocol.signing import acceptance_digest, terms_hash
from protocol.terms_json import terms_from_json
from protocol.types import (
    AccountAddress,
    AgreementId,
    OrganisationId,
    Scope,
    UnixSeconds,
    from_hex,
    to_hex,
)


@dataclass(frozen=True, slots=True)
class PromisedSignature:
    """A signature that this node has promised; `failure` is why the contract refused it."""

    organisation: OrganisationId
    signer: AccountAddress
    is_refused: bool
    failure: dict[str, Any] | None


async def promised_signatures(
    connection: AsyncConnection, agreement_id: AgreementId
) -> list[PromisedSignature]:
    """The newest of each organisation that the caller may see; one refused only if none stands."""
    acts = tables.outbox
    organisation = acts.c.payload["organisation"].astext
    statement = (
        select(acts.c.payload, acts.c.state, acts.c.failure)
        .ext(distinct_on(organisation))
        .where(acts.c.kind == "sign", acts.c.subject == agreement_id)
        .order_by(organisation, acts.c.state.in_(IN_VAIN), acts.c.outbox_id.desc())
    )
    return [
        PromisedSignature(
            organisation=OrganisationId(from_hex(row.payload["organisation"])),
            signer=AccountAddress(from_hex(row.payload["signer"])),
            is_refused=row.state in IN_VAIN,
            failure=row.failure,
        )
        for row in await connection.execute(statement)
    ]


async def terms_to_accept(
    connection: AsyncConnection,
    agreement_id: AgreementId,
    organisation: OrganisationId,
    remedy: str = "",
) -> Terms:
    """The terms of an agreement on chain, or of a proposal that waits in this node's outbox.

    Raises a problem if there is none, or if the organisation is no party of it; `remedy` then says
    where the caller names one.
    """
    known = await query(connection, find_agreement, agreement_id)
    if known is not None:
        terms = known.terms
    else:
        promised = await find_act(connection, "propose", agreement_id)
        if promised is None or promised.state in IN_VAIN:
            remedy = "Propose it first: POST /v1/agreements."
            raise not_found("agreement", to_hex(agreement_id), remedy).about("agreement_id")
        terms = terms_from_json(promised.payload["terms"])
    if organisation not in terms.parties:
        error = NotParty(agreement_id=agreement_id, organisation=organisation)
        raise refused(error, "organisation", remedy)
    return terms


async def sign_agreement(
    connection: AsyncConnection,
    deployment: Deployment,
    caller: OrganisationId,
    agreement_id: AgreementId,
    organisation: OrganisationId,
    signer: AccountAddress,
    signature: bytes,
    now: int,
) -> None:
    """Raises the errors that the contract would, and a problem while this organisation's signature
    is on its way already.

    The proposal may still wait in this node's outbox: the sender keeps the order.
    """
    await lock_promise(connection, "sign", agreement_id)
    terms = await terms_to_accept(connection, agreement_id, organisation)
    known = await query(connection, find_agreement, agreement_id)
    if known is not None:
        _require_signable(known, organisation, now)
    registry = deployment.address_bytes("AgreementRegistry")
    digest = acceptance_digest(organisation, terms, deployment.chain_id, registry)
    if not is_signed_by(signer, digest, signature):
        error = AgreementSignatureInvalid(agreement_id=agreement_id, signer=signer)
        raise refused(error, "signature")
    await _require_signer(connection, organisation, signer, now)
    await _require_not_promised(connection, agreement_id, organisation)
    payload = {
        "termsHash": to_hex(terms_hash(terms)),
        "organisation": to_hex(organisation),
        "signer": to_hex(signer),
        "signature": to_hex(signature),
    }
    promise = Promise(agreement_id, payload, expires_at=terms.valid_until)
    await enqueue(connection, "sign", [promise], caller)


async def _require_signer(
    connection: AsyncConnection, organisation: OrganisationId, signer: AccountAddress, now: int
) -> None:
    participant = await query(connection, find_participant, organisation)
    for account in participant.accounts if participant else ():
        usable = account.retired_at is None and now < account.expires_at
        if account.account == signer and usable and Scope.AGREE in account.scopes:
            return
    error = NotAuthorised(account=signer, organisation=organisation, scope=Scope.AGREE)
    raise refused(error, "signer")


def _require_signable(known: AgreementRow, organisation: OrganisationId, now: int) -> None:
    agreement_id = known.agreement_id
    if any(signed.organisation == organisation for signed in known.signatures):
        signed_before = AlreadySigned(agreement_id=agreement_id, organisation=organisation)
        raise refused(signed_before, "organisation")
    if status_at(known.facts, UnixSeconds(now)) is not AgreementStatus.PROPOSED:
        state = known.facts.history[-1][1]
        raise refused(StateInvalid(agreement_id=agreement_id, state=state), "agreement_id")


async def _require_not_promised(
    connection: AsyncConnection, agreement_id: AgreementId, organisation: OrganisationId
) -> None:
    for promised in await promised_signatures(connection, agreement_id):
        if promised.organisation == organisation and not promised.is_refused:
            raise Problem.of(
                "signature-queued",
                f"The signature of {to_hex(organisation)} under the agreement "
                f"{to_hex(agreement_id)} is promised already.",
                "Wait for it: GET /v1/agreements/{agreementId} shows what became of it.",
            ).about("organisation")
