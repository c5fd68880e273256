"""What each event does to the ledger, and what must have been true before it.

One function an event, by the contract that emits it. A rule writes to the draft that `ledger`
hands it and returns the postings, which `ledger` enters. A contradiction raises LedgerViolation
or the contract's own error.
"""

from __future__ import annotations

from typing import Any

from protocol.ledger_rules import agreements, consents, money, participants, proposals
from protocol.ledger_rules.rule import Rule

RULES: dict[type[Any], Rule] = {
    **participants.RULES,
    **agreements.RULES,
    **consents.RULES,
    **money.RULES,
    **proposals.RULES,
}
"""From the type of an event to its rule."""
