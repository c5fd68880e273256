"""Shapes of consent requests, for the organisation that asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from node.api.rule_schemas import RecordObject
from node.api.schemas.base import (
    Address,
    Hash,
    HexOf,
    Shape,
    SlipBytes,
    StoredJson,
    StoredText,
    UnixTime,
    wrong_value,
)
from node.api.schemas.participants import require_did
from node.bearer_links import link_of
from node.commands.ask_consents import NewRequest
from node.kept_requests import KeptRequest
from node.subject_references import REFERENCE_LENGTH_MAX
from protocol.assurance import Assurance
from protocol.consent_request import PURPOSES_MAX, RequestState
from protocol.types import AgreementId, to_hex

EXPIRY_SECONDS = 30 * 86_400
ATTEST_MAX = 100
RequestId = Annotated[bytes, HexOf(16, "a request's id")]
AssuranceName = Literal["attested", "signed", "identified"]
StateName = Literal["sent", "granted", "refused", "expired"]
SubjectReference = Annotated[
    StoredText,
    Field(
        min_length=1,
        max_length=REFERENCE_LENGTH_MAX,
        examples=["pupil-2026-0417"],
        description="The organisation's own name for the person; sealed, and never in an address.",
    ),
]
Did = Annotated[str, Field(max_length=512), AfterValidator(require_did)]
EXAMPLE: dict[str, Any] = {
    "subjectReference": "pupil-2026-0417",
    "agreementId": "0x" + "5a" * 32,
    "purposes": [{"purpose": "career guidance from skills"}],
    "notice": {
        "reference": "https://school.example/privacy",
        "version": "2026-09",
        "sha256": "0x" + "c3" * 32,
    },
    "recipients": ["did:web:guidance.example"],
    "validUntil": 1_819_756_800,
}


class Notice(Shape):
    """The version of the privacy notice that the learner is shown. Its digest is bound in every
    document: another version is another request. `sha256` is of the canonical JSON (RFC 8785) of a
    notice that is a JSON object, and of the bytes of any other file. With `content` the node
    computes it, and the learner keeps the text with the consent."""

    reference: Annotated[StoredText, Field(min_length=1, max_length=2_000)]
    version: Annotated[StoredText, Field(min_length=1, max_length=100)]
    sha256: Hash | None = None
    language: Annotated[StoredText, Field(min_length=2, max_length=35)] | None = None
    content: StoredJson | None = None

    @model_validator(mode="after")
    def has_digest(self) -> Notice:
        """The version is known by its digest."""
        if self.sha256 is None and self.content is None:
            raise wrong_value(
                "The notice has neither sha256 nor content.",
                "Send the SHA-256 of its file (of JSON the canonical form), or the content itself.",
            )
        return self


class AskConsent(Shape):
    """`purposes` are purposes of a consent receipt of schema 0.2.0 (`purpose` is enough), around
    which the node composes the receipts; or `receipts` are such, with one purpose each. Without
    `expiresAt` the link can be used for 30 days, at most as long as the consent would be valid."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    subject_reference: SubjectReference
    agreement_id: Hash
    purposes: Annotated[list[StoredJson], Field(default_factory=list, max_length=PURPOSES_MAX)]
    receipts: Annotated[list[StoredJson], Field(default_factory=list, max_length=PURPOSES_MAX)]
    notice: Notice
    language: Annotated[StoredText, Field(min_length=2, max_length=35)] = "en"
    recipients: Annotated[list[Did], Field(default_factory=list, max_length=32)]
    valid_from: UnixTime | None = None
    valid_until: UnixTime
    expires_at: UnixTime | None = None
    minimum_assurance: AssuranceName = "signed"
    guardian_signs: bool = Field(
        default=False,
        description="The person is a minor: a parent or guardian signs each record along.",
    )

    @model_validator(mode="after")
    def asks_for_something(self) -> AskConsent:
        """Either way of saying what for, not both."""
        if bool(self.purposes) == bool(self.receipts):
            raise wrong_value("Neither or both of purposes and receipts.", "Send one of them.")
        return self

    def to_request(self, now: int) -> NewRequest:
        """With the times that are left out."""
        notice = self.notice.model_dump(mode="json", by_alias=True, exclude_none=True)
        return NewRequest(
            subject_reference=self.subject_reference,
            agreement_id=AgreementId(self.agreement_id),
            purposes=tuple(self.purposes),
            receipts=tuple(self.receipts),
            notice=notice,
            language=self.language,
            recipients=tuple(dict.fromkeys(self.recipients)),
            valid_from=now if self.valid_from is None else self.valid_from,
            valid_until=self.valid_until,
            expires_at=min(now + EXPIRY_SECONDS, self.valid_until)
            if self.expires_at is None
            else self.expires_at,
            minimum=Assurance(self.minimum_assurance),
            guardian_signs=self.guardian_signs,
        )


class MadeRequest(Shape):
    """A request that waits for its answer. Whoever has `link` can answer it, once."""

    request_id: RequestId
    state: StateName
    link: str | None = Field(description="Null once it is answered; print it again until then.")


class MadeRequests(Shape):
    """In the order of the file."""

    requests: list[MadeRequest]


class GrantedPurpose(Shape):
    """A purpose and the consent that it became, if it did."""

    purpose: str
    leaf: Hash | None


class ConsentRequest(Shape):
    """A request of the organisation, with the consents that came of it."""

    request_id: RequestId
    subject_reference: str
    state: StateName
    created_at: int
    expires_at: int
    answered_at: int | None
    agreement_id: Hash
    minimum_assurance: AssuranceName
    guardian_signs: bool
    purposes: list[GrantedPurpose]
    notice: dict[str, Any]
    recipients: list[str]
    valid_from: int
    valid_until: int
    link: str | None = Field(description="While the request is open.")

    @classmethod
    def of(cls, request: KeptRequest, now: int, public_address: str) -> ConsentRequest:
        """From what is kept."""
        asked, answer = request.asked, request.answer
        leaves = dict(answer.leaves) if answer else {}
        state = request.state(now)
        open_token = request.token if state is RequestState.SENT else None
        return cls(
            request_id=request.request_id,
            subject_reference=request.subject_reference,
            state=state.value,
            created_at=int(request.created_at.timestamp()),
            expires_at=request.expires_at,
            answered_at=answer.answered_at if answer else None,
            agreement_id=asked.agreement_id,
            minimum_assurance=asked.minimum.value,
            guardian_signs=asked.guardian_signs,
            purposes=[
                GrantedPurpose(purpose=purpose.name, leaf=leaves.get(place))
                for place, purpose in enumerate(asked.purposes)
            ],
            notice=dict(asked.purposes[0].notice),
            recipients=list(asked.purposes[0].recipients),
            valid_from=asked.valid_from,
            valid_until=asked.valid_until,
            link=link_of(public_address, open_token) if open_token else None,
        )


class ConsentRequests(Shape):
    """The newest first; `next` asks for older ones."""

    items: list[ConsentRequest]
    next: RequestId | None


class OfSubject(Shape):
    """A person, by the organisation's own reference: in the body, so that no log has it."""

    subject_reference: SubjectReference


class SearchRequests(Shape):
    """What the requests have in common; `after` is `next` of a page."""

    subject_reference: SubjectReference | None = None
    state: StateName | None = None
    agreement_id: Hash | None = None
    after: RequestId | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class SubjectConsent(Shape):
    """A consent that came of a request; `record` is null once it is erased."""

    request_id: RequestId
    purpose: str
    leaf: Hash
    state: str
    assurance: str
    notice_version: str | None
    valid_from: int
    valid_until: int
    issuer: Address
    record: RecordObject | None


class SubjectExport(Shape):
    """All that the organisation asked a person for here, and all consents that came of it."""

    subject_reference: str
    exported_at: int
    requests: list[ConsentRequest]
    consents: list[SubjectConsent]


class ErasedRequests(Shape):
    """How many requests were deleted; consents stay until they are erased themselves."""

    erased: int


class AttestRequests(Shape):
    """Up to 100 requests at once; all or none."""

    request_ids: Annotated[list[RequestId], Field(min_length=1, max_length=ATTEST_MAX)]


class AttestedConsent(Shape):
    """A consent that the issuer attests, and the learner's slip to withdraw it: as bytes, and as a
    QR code of the same text. The node keeps neither; hand it to the learner and keep no copy."""

    purpose: str
    leaf: Hash
    state: Literal["queued"] = "queued"
    assurance: Literal["attested"] = "attested"
    slip: SlipBytes
    slip_qr_svg: str


class AttestedRequest(Shape):
    """A request that is answered on paper: attested by the issuer, signed by no key of the
    learner."""

    request_id: RequestId
    consents: list[AttestedConsent]


class AttestedRequests(Shape):
    """In no order of their own: each names its request."""

    requests: list[AttestedRequest]


def slip_text(slip: bytes) -> str:
    """A slip as its file and its QR code hold it."""
    return to_hex(slip)
