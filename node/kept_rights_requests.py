"""Rights requests as the database keeps them: what the person wrote and what was answered, sealed.

received -> done | refused        extended once in between, by two months
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from node.kept_requests import ANSWER, unseal_json


class RightsKind(StrEnum):
    """What a person asks for: articles 15, 16, 17, 18, 20, 21 and 7(3) of the GDPR."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    WITHDRAWAL = "withdrawal"


class RightsState(StrEnum):
    """Where a request stands; `overdue` is told beside it, by time alone."""

    RECEIVED = "received"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RightsRequest:
    """A request, opened. `due_at` is the first second that is too late for an answer."""

    rights_request_id: bytes
    organisation_id: bytes
    kind: RightsKind
    leaf: bytes | None
    state: RightsState
    received_at: int
    due_at: int
    extended_at: int | None
    answered_at: int | None
    message: str | None
    contact: str | None
    reason: str | None
    extension_reason: str | None

    def is_overdue(self, now: int) -> bool:
        """Whether the answer is late, or came late."""
        return (self.answered_at or now) >= self.due_at


def open_rights_request(row: Any, master_key: bytes) -> RightsRequest:
    """From a row of the table; raises SealError."""
    request_id = row.rights_request_id
    content: dict[str, str] = {}
    if row.content_key is not None:
        content = unseal_json(row.sealed_content, row.content_key, request_id, master_key)
    answer: dict[str, str] = {}
    if row.answer_key is not None:
        bound_to = request_id + ANSWER
        answer = unseal_json(row.sealed_answer, row.answer_key, bound_to, master_key)
    return RightsRequest(
        rights_request_id=request_id,
        organisation_id=row.organisation_id,
        kind=RightsKind(row.kind),
        leaf=row.leaf,
        state=RightsState(row.state),
        received_at=row.received_at,
        due_at=row.due_at,
        extended_at=row.extended_at,
        answered_at=row.answered_at,
        message=content.get("message"),
        contact=content.get("contact"),
        reason=answer.get("reason"),
        extension_reason=answer.get("extensionReason"),
    )
