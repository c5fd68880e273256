"""Promises to bring a party's signature to the chain."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import AgreementRow, find_agreement
from indexer.queries.participants import find_participant
from node.db import query
from node.outbox import enqueue, find_act
from node.problems import not_found, refused
from protocol.agreement import AgreementStatus, status_at
from protocol.errors import (
    AgreementSignatureInvalid,
    AlreadySigned,
    NotAuthorised,
    NotParty,
    StateInvalid,
)
from protocol.signatures import is_signed_by
from protocol.types import (
    AccountAddress,
    AgreementId,
    Hash32,
    OrganisationId,
    Scope,
    UnixSeconds,
    to_hex,
)


async def sign_agreement(
    connection: AsyncConnection,
    caller: OrganisationId,
    agreement_id: AgreementId,
    organisation: OrganisationId,
    signer: AccountAddress,
    signature: bytes,
    now: int,
) -> None:
    """Raises the errors that the contract would.

    The proposal may still wait in this node's outbox: the sender keeps the order.
    """
    if not is_signed_by(signer, Hash32(agreement_id), signature):
        error = AgreementSignatureInvalid(agreement_id=agreement_id, signer=signer)
        raise refused(error, "signature")
    await _require_signer(connection, organisation, signer, now)
    known = await query(connection, find_agreement, agreement_id)
    if known is not None:
        _require_signable(known, organisation, now)
    else:
        promised = await find_act(connection, "propose", agreement_id)
        if promised is None or promised.state == "failed":
            remedy = "Propose it first: POST /v1/agreements."
            raise not_found("agreement", to_hex(agreement_id), remedy).about("agreement_id")
    payload = {
        "organisation": to_hex(organisation),
        "signer": to_hex(signer),
        "signature": to_hex(signature),
    }
    await enqueue(connection, "sign", [(agreement_id, payload)], caller)


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
    if organisation not in known.terms.parties:
        error = NotParty(agreement_id=agreement_id, organisation=organisation)
        raise refused(error, "organisation")
    if any(signed.organisation == organisation for signed in known.signatures):
        signed_before = AlreadySigned(agreement_id=agreement_id, organisation=organisation)
        raise refused(signed_before, "organisation")
    if status_at(known.facts, UnixSeconds(now)) is not AgreementStatus.PROPOSED:
        state = known.facts.history[-1][1]
        raise refused(StateInvalid(agreement_id=agreement_id, state=state), "agreement_id")
