"""What goes to a recipient's node in one request: how it is written, how much of it, and whether an
answer says something of the single items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from node.delivery_queue import Claimed
from protocol.types import OrganisationId, to_hex

BODY_BYTES_MAX = 1_000_000
"""What a proxy before the receiver takes, unless it was told to take more (nginx: 1 MiB)."""
NOT_ABOUT_ITEMS = frozenset({401, 404, 408, 429})
"""The token, the recipient, the time: in halves the answer would be the same."""

Item = tuple[Claimed, bytes]
"""A delivery, and what the body says of it."""


def as_json(value: Any) -> bytes:
    """In few bytes: of a character that is escaped there are up to three times as many."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def body_of(recipient: OrganisationId, kind: str, values: Sequence[bytes]) -> bytes:
    """Of one request, as `DeliverRecords` and `DeliverErasures` read it."""
    name = "records" if kind == "record" else "erasures"
    head = f'{{"recipient":"{to_hex(recipient)}","{name}":['
    return head.encode() + b",".join(values) + b"]}"


def cut(items: Sequence[Item], bytes_max: int = BODY_BYTES_MAX) -> list[list[Item]]:
    """Parts whose items have so many bytes at most, in order; one that has more is alone."""
    parts: list[list[Item]] = []
    length = 0
    for item in items:
        length += len(item[1])
        if not parts or length > bytes_max:
            parts.append([])
            length = len(item[1])
        parts[-1].append(item)
    return parts


def is_about_items(status: int) -> bool:
    """Whether an answer may be another one for some of the items: a request that is too large, an
    item at which a proxy takes offence, one that the receiver stumbles over."""
    return status == 500 or (400 <= status < 500 and status not in NOT_ABOUT_ITEMS)
