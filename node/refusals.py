"""A contract's refusal in plain words: from a revert on the wire to the rule's own error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web3.exceptions import ContractLogicError

from protocol.contracts import error_of_revert
from protocol.errors import ContractError


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a contract refuses: the rule's name, its values, a sentence and the remedy."""

    name: str
    sentence: str
    remedy: str
    values: dict[str, Any]

    @property
    def message(self) -> str:
        """Sentence and remedy."""
        return f"{self.sentence} {self.remedy}"


def refusal_of(error: ContractError) -> Refusal:
    """A rule's error as what is shown of it."""
    sentence = str(error).removesuffix(f" {error.remedy}")
    return Refusal(type(error).__name__, sentence, error.remedy, error.values())


def refusal_of_revert(said: str, data: str) -> Refusal:
    """The refusal behind a revert: what the node says, and what the contract gave, hexadecimal."""
    known = error_of_revert(data)
    if known is not None:
        return refusal_of(known)
    return Refusal(
        "ContractRefused",
        f"The contract refuses this: {said or data or 'no reason given'}.",
        "The reason is not one of the ledger's own rules; look it up in the contract called.",
        {"data": data},
    )


def explain_revert(error: Exception) -> Refusal | None:
    """The refusal behind a web3 exception; None if the exception is no revert."""
    if not isinstance(error, ContractLogicError):
        return None
    data = error.data if isinstance(error.data, str) else ""
    return refusal_of_revert(error.message or "", data)
