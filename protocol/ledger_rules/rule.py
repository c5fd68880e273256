"""What a rule is: from the ledger's draft, an event and its origin to the postings it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protocol.errors import LedgerViolation
from protocol.events import Origin
from protocol.ledger_state import LedgerState
from protocol.postings import Posting

Postings = tuple[Posting, ...]
Rule = Callable[[LedgerState, Any, Origin], Postings]

NO_POSTINGS: Postings = ()


def nothing(_state: LedgerState, _event: object, _: Origin) -> Postings:
    """For events that say why something happened which another event has told already, and for
    those of the library's contracts that no rule of ours asks for."""
    return NO_POSTINGS


def contradiction(origin: Origin, reason: str) -> LedgerViolation:
    """The error for an event that cannot follow what came before it."""
    return LedgerViolation(
        block_number=origin.block_number, log_index=origin.log_index, reason=reason
    )
