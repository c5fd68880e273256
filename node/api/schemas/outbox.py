"""Shapes of `/v1/outbox`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from node.api.schemas.base import Hash, HexBytes, Shape
from node.outbox import ActRow


class OutboxAct(Shape):
    """An act that this node promised to bring to the chain. `state` is `waiting`, `sent`, `mined`
    or `final`; `failed` or `expired` if it never will. `failure` says why, or why it still waits;
    `notBefore` until when. `hashes` are all transactions that may carry it, one of them at most."""

    act_id: int
    kind: str
    subject: HexBytes
    state: str
    attempts: int
    created_at: datetime
    not_before: datetime | None
    expires_at: int | None
    nonce: int | None
    hashes: list[Hash]
    transaction_hash: Hash | None
    block_number: int | None
    failure: dict[str, Any] | None

    @classmethod
    def of(cls, row: ActRow) -> OutboxAct:
        """From the outbox."""
        return cls(
            act_id=row.outbox_id,
            kind=row.kind,
            subject=row.subject,
            state=row.state,
            attempts=row.attempts,
            created_at=row.created_at,
            not_before=row.not_before,
            expires_at=row.expires_at,
            nonce=row.nonce,
            hashes=list(row.hashes),
            transaction_hash=row.transaction_hash,
            block_number=row.block_number,
            failure=row.failure,
        )


class OutboxPage(Shape):
    """The newest first; `next` asks for older ones."""

    items: list[OutboxAct]
    next: int | None
