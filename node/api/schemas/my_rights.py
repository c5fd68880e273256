"""Shapes of what a learner can ask about itself."""

from __future__ import annotations

from pydantic import Field

from node.api.rule_schemas import RecordObject
from node.api.schemas.base import Address, AsOf, Hash, Shape
from node.api.schemas.consents import ConsentAnswer
from node.api.schemas.rights_requests import RightsRequestSeen


class UseSeen(Shape):
    """Who used data behind a consent of the session's keys, and when."""

    leaf: Hash
    used_by: Address
    used_by_did: str | None
    agreement_id: Hash
    used_at: int


class UsesSeen(Shape):
    """The oldest first; `next` asks for those that follow."""

    uses: list[UseSeen]
    next: int | None


class ExportedConsent(Shape):
    """A consent with its whole record: whoever has it can prove it, anywhere. `record` is null once
    it is erased."""

    status: ConsentAnswer
    issuer_did: str | None
    record: RecordObject | None


class LearnerExport(Shape):
    """All that this node holds for the session's keys."""

    exported_at: int
    as_of: AsOf
    chain_id: int
    registry: Address
    operator_did: str
    consents: list[ExportedConsent]
    uses: list[UseSeen]
    more_uses: bool = Field(description="Whether there are more: GET /v1/me/uses has all.")
    requests: list[RightsRequestSeen]
