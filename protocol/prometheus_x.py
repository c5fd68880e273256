"""Reading the association's own documents: participants, contracts, consent receipts.

The catalogue, the contract manager and the consent manager of Prometheus-X write JSON whose
parties are addresses of catalogue entries. The same participant appears under different hosts
(the catalogue's own, a gateway's, a container's), so the last path segment is the id that tells
who is meant. A reader lists what our terms and documents need and the source does not have, so
that a caller can add it and mark it as added. Nothing here believes a signature: the contract
manager stores the word "HasSigned", which anybody can write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from protocol.assurance import Assurance
from protocol.canonical import digest_of
from protocol.errors import DocumentUnreadable
from protocol.record import Document
from protocol.types import Hash32, Role, UnixSeconds

RECEIPT_VERSION = "0.2.0"
ROLE_NAMES: Mapping[str, Role] = {
    "provider": Role.PROVIDER,
    "consumer": Role.CONSUMER,
    "operator": Role.OPERATOR,
    "maintainer": Role.MAINTAINER,
}


@dataclass(frozen=True, slots=True)
class CatalogueParticipant:
    """An organisation as a catalogue or a receipt describes it; roles 0 if none is told."""

    name: str
    catalogue_id: str
    url: str | None
    did: str | None
    roles: Role
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnverifiedSignature:
    """What a contract says of a signature: a word, not a proof."""

    party_url: str
    value: str
    date: str | None


@dataclass(frozen=True, slots=True)
class ContractReading:
    """A contract in our terms: hashes of the policies and of the whole document as received."""

    contract_id: str
    status: str
    party_urls: tuple[str, ...]
    policies: tuple[Mapping[str, Any], ...]
    policy_hash: Hash32
    document_hash: Hash32
    signatures: tuple[UnverifiedSignature, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurposeReading:
    """One purpose of a receipt as a draft of a document.

    `receipt` has this purpose alone; `controller_urls` are the parties that the purpose names.
    """

    purpose: str
    receipt: Mapping[str, Any]
    notice: Mapping[str, Any]
    controller_urls: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """A consent receipt: one draft a purpose, all in one group; `given_at` in Unix seconds."""

    group_id: str
    given_at: UnixSeconds
    parties: tuple[CatalogueParticipant, ...]
    purposes: tuple[PurposeReading, ...]


def catalogue_id(url: str) -> str:
    """The id at the end of a catalogue address, by which participants are matched."""
    return url.rstrip("/").rpartition("/")[2]


def is_same_participant(one: str, other: str) -> bool:
    """Whether two addresses, or ids, mean the same catalogue entry."""
    return catalogue_id(one) == catalogue_id(other)


def read_participant(value: Any) -> CatalogueParticipant:
    """Read a participant from a catalogue. Raises DocumentUnreadable."""
    kind = "participant"
    source = _object(kind, value)
    did = source.get("did") or None
    url = source.get("selfDescriptionURL") or source.get("selfDescription") or None
    known = {"did": did, "url": url}
    return CatalogueParticipant(
        name=_text(kind, source, "legalName"),
        catalogue_id=_text(kind, source, "_id"),
        url=url,
        did=did,
        roles=Role(0),
        missing=(*(name for name, found in known.items() if found is None), "roles"),
    )


def read_bilateral_contract(value: Any) -> ContractReading:
    """Read a contract between a provider and a consumer. Raises DocumentUnreadable."""
    kind = "bilateral contract"
    source = _object(kind, value)
    parties = (_text(kind, source, "dataProvider"), _text(kind, source, "dataConsumer"))
    signatures = [
        UnverifiedSignature(
            str(each.get("party") or each.get("did")), str(each.get("value")), each.get("date")
        )
        for each in _objects(kind, source, "signatures")
    ]
    return _contract(kind, source, parties, _objects(kind, source, "policy"), signatures)


def read_ecosystem_contract(value: Any) -> ContractReading:
    """Read a contract of an ecosystem; its policies are those of the offerings, in order.

    Raises DocumentUnreadable.
    """
    kind = "ecosystem contract"
    source = _object(kind, value)
    members = _objects(kind, source, "members")
    offerings = _objects(kind, source, "serviceOfferings")
    policies = [policy for each in offerings for policy in _objects(kind, each, "policies")]
    signatures = [
        UnverifiedSignature(
            _text(kind, each, "participant"), str(each.get("signature")), each.get("date")
        )
        for each in members
    ]
    parties = tuple(signature.party_url for signature in signatures)
    return _contract(kind, source, parties, policies, signatures)


def purposes_of_contract(source: Mapping[str, Any]) -> tuple[str, ...]:
    """What a contract says that it is for, one text a purpose; of a service in a catalogue its id.
    A contract that says nothing, or not in this form, has none."""
    stated = source.get("purpose")
    purposes = [each.get("purpose") for each in _list(stated) if isinstance(each, Mapping)]
    texts = [each for each in purposes if isinstance(each, str) and each]
    return tuple(catalogue_id(each) if "://" in each else each for each in texts)


def read_consent_receipt(value: Any) -> ReceiptReading:
    """Read a receipt of schema 0.2.0: one draft of a document for each purpose.

    Raises DocumentUnreadable for another version, no purpose or no "consent given" event.
    """
    kind = "consent receipt"
    source = _object(kind, value)
    record = _object(kind, source.get("record"))
    processing = _object(kind, source.get("piiProcessing"))
    if record.get("schemaVersion") != RECEIPT_VERSION:
        raise DocumentUnreadable(kind=kind, reason=f"schema {record.get('schemaVersion')}")
    purposes = _objects(kind, processing, "purposes")
    if not purposes:
        raise DocumentUnreadable(kind=kind, reason="it has no purpose")
    return ReceiptReading(
        group_id=_text(kind, record, "recordId"),
        given_at=_given_at(kind, _objects(kind, source, "event")),
        parties=tuple(
            _receipt_party(kind, each) for each in _objects(kind, source, "partyIdentification")
        ),
        purposes=tuple(_purpose(kind, source, processing, each) for each in purposes),
    )


def complete_document(
    draft: PurposeReading, recipients: Sequence[str], assurance: Assurance
) -> Document:
    """The draft as a document, with the recipients' DIDs and the assurance that it lacks."""
    return Document(draft.receipt, draft.notice, tuple(recipients), assurance)


def _contract(
    kind: str,
    source: Mapping[str, Any],
    party_urls: tuple[str, ...],
    policies: Sequence[Mapping[str, Any]],
    signatures: Sequence[UnverifiedSignature],
) -> ContractReading:
    dids = tuple(f"did of {catalogue_id(url)}" for url in party_urls)
    return ContractReading(
        contract_id=_text(kind, source, "_id"),
        status=_text(kind, source, "status"),
        party_urls=party_urls,
        policies=tuple(policies),
        policy_hash=digest_of(list(policies)),
        document_hash=digest_of(dict(source)),
        signatures=tuple(signatures),
        missing=(*dids, "validFrom", "validUntil", "rulebook", "lines"),
    )


def _purpose(
    kind: str,
    source: Mapping[str, Any],
    processing: Mapping[str, Any],
    purpose: Mapping[str, Any],
) -> PurposeReading:
    controllers = tuple(str(url) for url in purpose.get("piiControllers", ()))
    notice = {"reference": _text(kind, processing, "privacyNotice")}
    language = processing.get("language")
    if language:
        notice["language"] = str(language)
    dids = tuple(f"did of {catalogue_id(url)}" for url in controllers)
    return PurposeReading(
        purpose=_text(kind, purpose, "purpose"),
        receipt={**source, "piiProcessing": {**processing, "purposes": [dict(purpose)]}},
        notice=notice,
        controller_urls=controllers,
        missing=(*dids, "recipients", "assurance", "agreementId", "issuer", "validUntil"),
    )


def _receipt_party(kind: str, value: Mapping[str, Any]) -> CatalogueParticipant:
    url = _text(kind, value, "partyId")
    role = ROLE_NAMES.get(str(value.get("partyType")), Role(0))
    missing = ("did",) if role else ("did", "roles")
    name = str(value.get("partyName", ""))
    return CatalogueParticipant(name, catalogue_id(url), url, None, role, missing)


def _given_at(kind: str, events: Sequence[Mapping[str, Any]]) -> UnixSeconds:
    for event in events:
        if event.get("eventState") == "consent given":
            return _unix_seconds(kind, str(event.get("eventTime")))
    raise DocumentUnreadable(kind=kind, reason="no event says that consent was given")


def _unix_seconds(kind: str, text: str) -> UnixSeconds:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DocumentUnreadable(kind=kind, reason=f"{text!r} is no time") from error
    return UnixSeconds(int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()))


def _object(kind: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DocumentUnreadable(kind=kind, reason="an object is missing")
    return value


def _objects(kind: str, source: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = source.get(name)
    if not isinstance(value, list):
        raise DocumentUnreadable(kind=kind, reason=f"{name} is no list")
    return [_object(kind, each) for each in value]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(kind: str, source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise DocumentUnreadable(kind=kind, reason=f"{name} is missing")
    return value
