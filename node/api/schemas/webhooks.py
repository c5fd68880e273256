"""Shapes of webhooks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from node.api.schemas.base import HexOf, Shape, StoredText
from node.api.schemas.events import PositionText

WebhookId = Annotated[bytes, HexOf(16, "a webhook's id")]
EventName = Annotated[StoredText, Field(max_length=100, examples=["ConsentEnded"])]


class RegisterWebhook(Shape):
    """Where events shall be sent: those with these names, or all. Without `includeUnfinal` only
    such as nothing takes back."""

    url: Annotated[StoredText, Field(max_length=2_000, examples=["https://school.example/ptx"])]
    names: Annotated[list[EventName], Field(default_factory=list, max_length=100)]
    include_unfinal: bool = False


class Redeliver(Shape):
    """Which position to go back to: everything after it is sent again."""

    after: PositionText


class Webhook(Shape):
    """A webhook and how it fares. `position` moves once the receiver has answered 2xx."""

    webhook_id: WebhookId
    url: str
    names: list[str]
    include_unfinal: bool
    position: PositionText
    created_at: int
    attempts: int = Field(description="Failures since the last success.")
    failing_since: int | None
    last_failure: str | None
    disabled_reason: str | None = Field(description="Why nothing is sent until `redeliver`.")

    @classmethod
    def of(cls, row: Any) -> Webhook:
        """From the row of the table."""
        return cls(**_values(row))


class RegisteredWebhook(Webhook):
    """`secret` is shown this once; it verifies signatures (Standard Webhooks)."""

    secret: str

    @classmethod
    def with_secret(cls, row: Any, secret: str) -> RegisteredWebhook:
        """From the row of the table and what it keeps sealed."""
        return cls(secret=secret, **_values(row))


class Webhooks(Shape):
    """The webhooks of an organisation."""

    items: list[Webhook]


def _values(row: Any) -> dict[str, Any]:
    return {
        "webhook_id": row.webhook_id,
        "url": row.url,
        "names": list(row.names),
        "include_unfinal": row.include_unfinal,
        "position": row.position,
        "created_at": int(row.created_at.timestamp()),
        "attempts": row.attempts,
        "failing_since": row.failing_since and int(row.failing_since.timestamp()),
        "last_failure": row.last_failure,
        "disabled_reason": row.disabled_reason,
    }
