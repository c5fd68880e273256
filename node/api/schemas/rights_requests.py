"""Shapes of rights requests: what a person asks of an organisation, and what becomes of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from node.api.schemas.base import Address, Hash, HexOf, Shape, StoredText, wrong_value
from node.kept_rights_requests import RightsRequest

RightsRequestId = Annotated[bytes, HexOf(16, "a request's id")]
KindName = Literal[
    "access", "rectification", "erasure", "restriction", "portability", "objection", "withdrawal"
]
StateName = Literal["received", "done", "refused"]
Message = Annotated[StoredText, Field(min_length=1, max_length=5_000)]
Contact = Annotated[
    StoredText,
    Field(
        min_length=1,
        max_length=500,
        examples=["anna@example.org"],
        description="How the organisation reaches the person, who has no key to read with.",
    ),
]


class Object(Shape):
    """An objection (article 21) to the use of data under a consent. `organisation` is the one
    asked, by default the issuer."""

    leaf: Hash
    reason: Message | None = None
    organisation: Address | None = None


class AskErasure(Shape):
    """A request to erase the record of a consent (article 17)."""

    leaf: Hash
    reason: Message | None = None
    organisation: Address | None = None


class AskOrganisation(Shape):
    """From who has lost key and slip. Message and contact are sealed; the organisation finds out
    itself whether the person is who it says."""

    kind: KindName
    message: Message
    contact: Contact


class AnswerRights(Shape):
    """What the organisation did. `refused` and `extended` need a reason, which the person reads;
    extended once, within the first month, by two more."""

    decision: Literal["done", "refused", "extended"]
    reason: Message | None = None

    @model_validator(mode="after")
    def has_reason(self) -> AnswerRights:
        """Article 12(3) and (4): the person is told why."""
        if self.decision != "done" and self.reason is None:
            detail = f"The decision {self.decision} has no reason."
            raise wrong_value(detail, "Send the reason, which the person reads.")
        return self


class RightsRequestSeen(Shape):
    """A request as the person sees it. `dueAt` is the first second that is too late (article 12(3)
    of Regulation (EU) 2016/679)."""

    rights_request_id: RightsRequestId
    organisation: Address
    kind: KindName
    leaf: Hash | None
    state: StateName
    received_at: int
    due_at: int
    overdue: bool
    extended_at: int | None
    extension_reason: str | None
    answered_at: int | None
    reason: str | None

    @classmethod
    def of(cls, request: RightsRequest, now: int) -> RightsRequestSeen:
        """From what is kept."""
        return cls(**_seen(request, now))


class RightsRequestShown(RightsRequestSeen):
    """The same as the organisation sees it, with what the person wrote."""

    message: str | None
    contact: str | None

    @classmethod
    def of(cls, request: RightsRequest, now: int) -> RightsRequestShown:
        """From what is kept."""
        return cls(message=request.message, contact=request.contact, **_seen(request, now))


class RightsRequestsSeen(Shape):
    """The newest first; `next` asks for older ones."""

    requests: list[RightsRequestSeen]
    next: RightsRequestId | None


class RightsRequestsShown(Shape):
    """What is due first, first; `next` asks for what is due later."""

    items: list[RightsRequestShown]
    next: RightsRequestId | None


class ReferencedRequest(Shape):
    """`token` is shown this once: in the header `Reference-Token` it shows the request again."""

    token: str
    request: RightsRequestSeen


def _seen(request: RightsRequest, now: int) -> dict[str, Any]:
    return {
        "rights_request_id": request.rights_request_id,
        "organisation": request.organisation_id,
        "kind": request.kind.value,
        "leaf": request.leaf,
        "state": request.state.value,
        "received_at": request.received_at,
        "due_at": request.due_at,
        "overdue": request.is_overdue(now),
        "extended_at": request.extended_at,
        "extension_reason": request.extension_reason,
        "answered_at": request.answered_at,
        "reason": request.reason,
    }
