"""Makes consent requests: checks what is asked, composes the documents, seals them and the links.

All or nothing: one request that cannot be granted leaves none written.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import AgreementRow, find_agreement
from node import tables
from node.bearer_links import hash_token, new_token
from node.commands.check_records import in_plain_words
from node.commands.required_assurance import required_assurance
from node.db import query
from node.intake.quick_records import canonicalise_quickly
from node.kept_requests import LINK, REQUEST_ID_BYTES, content_of, seal_json
from node.problems import Problem, naming, not_found, refused
from node.sealing import seal
from node.subject_references import subject_hash
from protocol.agreement import AgreementStatus, status_at
from protocol.assurance import Assurance, is_at_least
from protocol.canonical import digest_of
from protocol.consent_request import Purpose, check_lengths, compose_receipt
from protocol.errors import NotParty, ProtocolError, SchemaInvalid
from protocol.identifiers import organisation_id
from protocol.record import document_to_json, document_value
from protocol.types import AgreementId, OrganisationId, UnixSeconds, to_hex

RECORD_ID_BYTES = 12
ROWS_MAX = 1_000
Place = Callable[[int, str], str]
"""Names the field of the request with this number, as its sender knows it."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What an organisation asks. `purposes` are purposes of a receipt, or whole `receipts` with one
    purpose each; `notice` is the document's."""

    subject_reference: str
    agreement_id: AgreementId
    purposes: tuple[Mapping[str, Any], ...]
    receipts: tuple[Mapping[str, Any], ...]
    notice: Mapping[str, Any]
    language: str
    recipients: tuple[str, ...]
    valid_from: int
    valid_until: int
    expires_at: int
    minimum: Assurance
    guardian_signs: bool = False


@dataclass(slots=True)
class _Desk:
    """What is the same for all requests of one call, and what was already looked up."""

    connection: AsyncConnection
    issuer: OrganisationId
    asking: tuple[str, str]
    now: int
    agreements: dict[AgreementId, tuple[AgreementRow, Assurance]]
    valid: set[str]


async def ask_consents(
    connection: AsyncConnection,
    master_key: bytes,
    issuer: OrganisationId,
    requests: Sequence[NewRequest],
    now: int,
    place: Place,
) -> list[bytes]:
    """The requests' ids, in order. Raises a problem that names the field."""
    own = select(tables.organisations.c.did, tables.organisations.c.name)
    did, name = (await connection.execute(own)).one()
    desk = _Desk(connection, issuer, (did, name), now, {}, set())
    made: list[bytes] = []
    for begin in range(0, len(requests), ROWS_MAX):
        rows = []
        for index, request in enumerate(requests[begin : begin + ROWS_MAX], begin):
            purposes = await _check(desk, request, partial(place, index))
            rows.append(_row(master_key, issuer, request, purposes))
        await connection.execute(insert(tables.consent_requests), rows)
        made += [row["request_id"] for row in rows]
    return made


async def _check(
    desk: _Desk, request: NewRequest, place: Callable[[str], str]
) -> tuple[Purpose, ...]:
    agreement, required = await _agreement(desk, request.agreement_id, place("agreementId"))
    parties = agreement.terms.parties
    for index, recipient in enumerate(request.recipients):
        party = organisation_id(recipient)
        if party not in parties:
            error = NotParty(agreement_id=request.agreement_id, organisation=party)
            raise refused(error, place(f"recipients.{index}"))
    if not is_at_least(request.minimum, required):
        detail = f"The agreement's policy asks for {required}, the request for {request.minimum}."
        raise _wrong(detail, f"Ask for {required}.", place("minimumAssurance"))
    if request.valid_until <= max(request.valid_from, desk.now):
        detail = f"The consent would end at {request.valid_until}, now is {desk.now}."
        raise _wrong(detail, "Ask for a time to come.", place("validUntil"))
    if not desk.now < request.expires_at <= request.valid_until:
        detail = f"The request would expire at {request.expires_at}, now is {desk.now}."
        remedy = "Let it expire after now, and not after the consent would end."
        raise _wrong(detail, remedy, place("expiresAt"))
    return _purposes(desk, request, place)


def _purposes(desk: _Desk, request: NewRequest, place: Callable[[str], str]) -> tuple[Purpose, ...]:
    notice = _notice(request.notice, place)
    composed = [
        compose_receipt(
            purpose,
            notice,
            request.language,
            desk.asking,
            request.recipients,
            secrets.token_hex(RECORD_ID_BYTES),
            UnixSeconds(desk.now),
        )
        for purpose in request.purposes
    ]
    receipts = (*composed, *request.receipts)
    purposes = tuple(Purpose(receipt, notice, request.recipients) for receipt in receipts)
    # Lines of one file ask mostly for the same; what differs between composed ones is always valid.
    same = json.dumps([request.purposes, request.notice, request.language, request.recipients])
    if request.receipts or same not in desk.valid:
        for index, purpose in enumerate(purposes):
            _check_document(purpose, index, bool(request.receipts), place)
        lengths = [len(canonicalise_quickly(_value_of(purpose))) for purpose in purposes]
        with naming(place("receipts" if request.receipts else "purposes")):
            check_lengths(lengths)
        desk.valid.add(same)
    if len({digest_of(dict(each.receipt["piiProcessing"])) for each in purposes}) < len(purposes):
        raise _wrong("A purpose stands there twice.", "Ask for each once.", place("purposes"))
    return purposes


def _value_of(purpose: Purpose) -> dict[str, Any]:
    return document_value(purpose.document(Assurance.IDENTIFIED))  # the longest of the names


def _check_document(purpose: Purpose, index: int, whole: bool, place: Callable[[str], str]) -> None:
    try:
        document_to_json(purpose.document(Assurance.ATTESTED))
    except SchemaInvalid as error:
        plain = in_plain_words(error)
        parts = plain.where.split(".")
        inside = parts[1:] if whole else parts[4:]
        noun = "receipts" if whole else "purposes"
        known = parts[0] == "receipt" and (whole or parts[1:3] == ["piiProcessing", "purposes"])
        field = ".".join([noun, str(index), *inside]) if known else plain.where
        raise refused(plain, place(field)) from error
    except ProtocolError as error:
        raise refused(error, place("purposes")) from error


def _notice(notice: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """With the digest of its content, which is bound in every document."""
    if "content" not in notice:
        return dict(notice)
    try:
        digest = to_hex(digest_of(notice["content"]))
    except ProtocolError as error:
        raise refused(error, place("notice.content")) from error
    if notice.get("sha256", digest) != digest:
        detail = f"The notice's canonical JSON has the SHA-256 {digest}, not {notice['sha256']}."
        raise _wrong(detail, "Send the digest of this version, or none.", place("notice.sha256"))
    return {**notice, "sha256": digest}


async def _agreement(
    desk: _Desk, agreement_id: AgreementId, at: str
) -> tuple[AgreementRow, Assurance]:
    if agreement_id in desk.agreements:
        return desk.agreements[agreement_id]
    row = await query(desk.connection, find_agreement, agreement_id)
    if row is None:
        remedy = "Conclude the agreement first: /v1/agreements."
        raise not_found("agreement", to_hex(agreement_id), remedy).about(at)
    if desk.issuer not in row.terms.parties:
        raise refused(NotParty(agreement_id=agreement_id, organisation=desk.issuer), at)
    status = status_at(row.facts, UnixSeconds(desk.now))
    if status is not AgreementStatus.ACTIVE:
        detail = f"The agreement {to_hex(agreement_id)} is {status}."
        raise _wrong(detail, "Ask for consents under an active agreement.", at)
    required = await required_assurance(desk.connection, agreement_id)
    desk.agreements[agreement_id] = row, required
    return row, required


def _wrong(detail: str, remedy: str, field: str) -> Problem:
    return Problem.of("consent-request-refused", detail, remedy).about(field)


def _row(
    master_key: bytes, issuer: OrganisationId, request: NewRequest, purposes: tuple[Purpose, ...]
) -> dict[str, Any]:
    request_id, token = secrets.token_bytes(REQUEST_ID_BYTES), new_token()
    asked = content_of(request.subject_reference, purposes, request.guardian_signs)
    content = seal_json(asked, request_id, master_key)
    link = seal(token.encode(), request_id + LINK, master_key)
    return {
        "request_id": request_id,
        "organisation_id": issuer,
        "token_hash": hash_token(token),
        "subject_hash": subject_hash(request.subject_reference, issuer, master_key),
        "agreement_id": request.agreement_id,
        "valid_from": request.valid_from,
        "valid_until": request.valid_until,
        "minimum_assurance": request.minimum.value,
        "expires_at": request.expires_at,
        "sealed_content": content.ciphertext,
        "content_key": content.wrapped_key,
        "sealed_link": link.ciphertext,
        "link_key": link.wrapped_key,
    }
