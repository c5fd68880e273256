"""What the contracts say by numbers, in the words that people read: a test holds them to the
enumerations of the same names."""

from __future__ import annotations

AGREEMENT_STATES = ("unknown", "proposed", "active", "suspended", "terminated")
"""By the contract's number."""
SCOPES = ("manage", "agree", "anchor", "voucher", "claim")
"""The lowest bit first."""


def state_in_words(state: int) -> str:
    """An agreement's state; a number without a name stays one."""
    return AGREEMENT_STATES[state] if 0 <= state < len(AGREEMENT_STATES) else str(int(state))


def scopes_in_words(scopes: int) -> str:
    """Names of scopes, with commas; bits without a name stay a number."""
    named = [name for bit, name in enumerate(SCOPES) if scopes >> bit & 1]
    unnamed = scopes >> len(SCOPES) << len(SCOPES)
    return ", ".join([*named, *([str(int(unnamed))] if unnamed else [])]) or "none"
