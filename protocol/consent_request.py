"""A consent request: what an organisation asks of a learner, and which records answer it.

    sent -> granted      a record for one purpose at least; each purpose is a consent of its own
         -> refused      for none
         -> expired      at `expires_at`, by time alone

What is asked is complete: one document a purpose, to which only the assurance is added that the
answer proves. The notice's version and digest stand in each document, so a consent is to that text
for ever: another version is another document, hence another commitment, request and consent. To
each document an answer may add the guardian who signs along for a minor; a request may ask for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from protocol.assurance import Assurance, is_at_least
from protocol.errors import AnswerInvalid, AssuranceTooWeak, RecordTooLarge
from protocol.prometheus_x import RECEIPT_VERSION
from protocol.record import Document, Record, check_record, document_digest
from protocol.types import AgreementId, Hash32, OrganisationId, UnixSeconds, to_hex

PURPOSES_MAX = 20
DOCUMENT_BYTES_MAX = 48 * 1024
"""Of its canonical JSON. What is left to a record is for its signatures and a credential."""
DOCUMENTS_BYTES_MAX = 128 * 1024
"""Of all that one request asks for, so that one request can bring the answer."""
REQUESTED = "consent requested"
"""State of the receipt's event. When consent is given the chain says, not the receipt."""


class RequestState(StrEnum):
    """Where a request stands. Every state but the first is the last one."""

    SENT = "sent"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose that is asked for: a document but for its assurance."""

    receipt: Mapping[str, Any]
    notice: Mapping[str, Any]
    recipients: tuple[str, ...]

    @property
    def name(self) -> str:
        """In words, as the receipt has it."""
        return str(self.receipt["piiProcessing"]["purposes"][0]["purpose"])

    def document(self, assurance: Assurance) -> Document:
        """What the learner consents to, at this assurance."""
        return Document(self.receipt, self.notice, self.recipients, assurance)


@dataclass(frozen=True, slots=True)
class Asked:
    """What every record that answers a request has in common, and the purposes to choose from."""

    issuer: OrganisationId
    agreement_id: AgreementId
    valid_from: UnixSeconds
    valid_until: UnixSeconds
    minimum: Assurance
    purposes: tuple[Purpose, ...]
    guardian_signs: bool = False
    """Of an answer by the learner, a parent or guardian signs each record along."""

    @property
    def signed_minimum(self) -> Assurance:
        """The least that an answer by the learner proves: only the issuer attests."""
        return self.minimum if is_at_least(self.minimum, Assurance.SIGNED) else Assurance.SIGNED


def check_lengths(lengths: Sequence[int]) -> None:
    """Raises RecordTooLarge unless the documents of one request, whose canonical JSON has so many
    bytes each, leave room for what answers them."""
    for index, length in enumerate(lengths):
        if length > DOCUMENT_BYTES_MAX:
            raise RecordTooLarge(f"the document of purpose {index}", length, DOCUMENT_BYTES_MAX)
    if sum(lengths) > DOCUMENTS_BYTES_MAX:
        raise RecordTooLarge("all documents together", sum(lengths), DOCUMENTS_BYTES_MAX)


def compose_receipt(
    purpose: Mapping[str, Any],
    notice: Mapping[str, Any],
    language: str,
    asking: tuple[str, str],
    recipients: Sequence[str],
    record_id: str,
    requested_at: UnixSeconds,
) -> dict[str, Any]:
    """A receipt of schema 0.2.0 around one purpose of it. `asking` is DID and name of the
    organisation that asks; nothing in it tells who the learner is."""
    did, name = asking
    others = [recipient for recipient in recipients if recipient != did]
    return {
        "record": {
            "schemaVersion": RECEIPT_VERSION,
            "recordId": record_id,
            "piiPrincipalId": "",
        },
        "piiProcessing": {
            "privacyNotice": notice["reference"],
            "language": language,
            "purposes": [{"lawfulBasis": "consent", **purpose}],
        },
        "event": [
            {
                "eventTime": datetime.fromtimestamp(requested_at, UTC).isoformat(),
                "eventType": "explicit",
                "eventState": REQUESTED,
            }
        ],
        "partyIdentification": [
            {"partyId": did, "partyName": name, "partyRole": "controller"},
            *({"partyId": other, "partyRole": "recipient"} for other in others),
        ],
    }


def request_state(
    answered: RequestState, expires_at: UnixSeconds, now: UnixSeconds
) -> RequestState:
    """Where a request stands now; `answered` is SENT as long as it is not."""
    if answered is RequestState.SENT and expires_at <= now:
        return RequestState.EXPIRED
    return answered


def check_answer(asked: Asked, records: Sequence[Record]) -> tuple[int, ...]:
    """The purposes that the records grant, in their order. Raises AnswerInvalid for a record that
    is not what was asked for, AssuranceTooWeak for one that proves less."""
    if not 1 <= len(records) <= len(asked.purposes):
        reason = f"{len(records)} records for {len(asked.purposes)} purposes"
        raise AnswerInvalid(where="records", reason=reason)
    if len({record.entry.holder for record in records}) < len(records):
        reason = "a one-time key holds two of the consents"
        raise AnswerInvalid(where="records", reason=reason)
    granted = tuple(
        check_record_asked(asked, record, f"records.{index}")
        for index, record in enumerate(records)
    )
    if len(set(granted)) < len(granted):
        raise AnswerInvalid(where="records", reason="a purpose is granted twice")
    return granted


def check_record_asked(asked: Asked, record: Record, where: str) -> int:
    """The purpose that the record grants, by its place in the request."""
    proven = check_record(record).assurance
    if not is_at_least(proven, asked.signed_minimum):
        raise AssuranceTooWeak(proven=proven.value, required=asked.signed_minimum.value)
    entry = record.entry
    for field, given, wanted in (
        ("agreementId", to_hex(entry.agreement_id), to_hex(asked.agreement_id)),
        ("issuer", to_hex(entry.issuer), to_hex(asked.issuer)),
        ("validFrom", entry.valid_from, asked.valid_from),
        ("validUntil", entry.valid_until, asked.valid_until),
    ):
        if given != wanted:
            reason = f"it is {given}, the request says {wanted}"
            raise AnswerInvalid(where=f"{where}.entry.{field}", reason=reason)
    if asked.guardian_signs and record.document.guardian is None:
        reason = "a parent or guardian signs along with a minor"
        raise AnswerInvalid(where=f"{where}.document.guardian", reason=reason)
    digest = document_digest(replace(record.document, guardian=None))
    digests = requested_digests(asked, record.document.assurance)
    if digest not in digests:
        raise AnswerInvalid(
            where=f"{where}.document", reason=f"its digest {to_hex(digest)} was not asked for"
        )
    return digests.index(digest)


def requested_digests(asked: Asked, assurance: Assurance) -> tuple[Hash32, ...]:
    """The digests of all documents asked for, at this assurance."""
    return tuple(document_digest(each.document(assurance)) for each in asked.purposes)
