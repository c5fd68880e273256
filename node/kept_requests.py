"""Consent requests as the database keeps them: what is asked, the link and the answer, each sealed
under a key of its own.

The answer's leaves are sealed because a row that named two would say that they are of one person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from node.sealing import SealedRecord, seal, unseal
from protocol.assurance import Assurance
from protocol.consent_request import Asked, Purpose, RequestState, request_state
from protocol.types import AgreementId, OrganisationId, UnixSeconds, from_hex, to_hex

REQUEST_ID_BYTES = 16
LINK = b"link"
ANSWER = b"answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: a leaf for each purpose granted, by its place."""

    answered_at: int
    leaves: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request, opened. `token` is None once it is answered; `answer` until then."""

    request_id: bytes
    subject_reference: str
    asked: Asked
    expires_at: UnixSeconds
    created_at: datetime
    answered: RequestState
    token: str | None
    answer: Answer | None
    answer_hash: bytes | None

    def state(self, now: int) -> RequestState:
        """Where it stands at a time."""
        return request_state(self.answered, self.expires_at, UnixSeconds(now))

    @property
    def group_id(self) -> str:
        """What the records of one answer have in common."""
        return self.request_id.hex()


def content_of(
    subject_reference: str, purposes: tuple[Purpose, ...], guardian_signs: bool
) -> dict[str, Any]:
    """What is sealed of a request; that the person is a minor is nobody else's to read."""
    return {
        "subjectReference": subject_reference,
        "guardianSigns": guardian_signs,
        "recipients": list(purposes[0].recipients),
        "notice": dict(purposes[0].notice),
        "receipts": [dict(purpose.receipt) for purpose in purposes],
    }


def seal_json(value: Any, bound_to: bytes, master_key: bytes) -> SealedRecord:
    """A JSON value under a data key of its own."""
    return seal(json.dumps(value).encode(), bound_to, master_key)


def unseal_json(ciphertext: bytes, key: bytes, bound_to: bytes, master_key: bytes) -> Any:
    """What `seal_json` sealed; raises SealError."""
    return json.loads(unseal(SealedRecord(ciphertext, key), bound_to, master_key))


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """What is sealed of an answer."""
    return {
        "answeredAt": answer.answered_at,
        "leaves": [[place, to_hex(leaf)] for place, leaf in answer.leaves],
    }


def open_request(row: Any, master_key: bytes) -> KeptRequest:
    """From a row of the table; raises SealError."""
    request_id = row.request_id
    content = unseal_json(row.sealed_content, row.content_key, request_id, master_key)
    purposes = tuple(
        Purpose(receipt, content["notice"], tuple(content["recipients"]))
        for receipt in content["receipts"]
    )
    return KeptRequest(
        request_id=request_id,
        subject_reference=content["subjectReference"],
        asked=Asked(
            issuer=OrganisationId(row.organisation_id),
            agreement_id=AgreementId(row.agreement_id),
            valid_from=UnixSeconds(row.valid_from),
            valid_until=UnixSeconds(row.valid_until),
            minimum=Assurance(row.minimum_assurance),
            purposes=purposes,
            guardian_signs=content["guardianSigns"],
        ),
        expires_at=UnixSeconds(row.expires_at),
        created_at=row.created_at,
        answered=RequestState(row.state),
        token=open_link(row, master_key),
        answer=_answer(row, master_key),
        answer_hash=row.answer_hash,
    )


def open_link(row: Any, master_key: bytes) -> str | None:
    """The token of a request that is not answered."""
    if row.link_key is None:
        return None
    sealed = SealedRecord(row.sealed_link, row.link_key)
    return unseal(sealed, row.request_id + LINK, master_key).decode()


def _answer(row: Any, master_key: bytes) -> Answer | None:
    if row.answer_key is None:
        return None
    bound_to = row.request_id + ANSWER
    value = unseal_json(row.sealed_answer, row.answer_key, bound_to, master_key)
    leaves = tuple((place, from_hex(leaf)) for place, leaf in value["leaves"])
    return Answer(value["answeredAt"], leaves)
