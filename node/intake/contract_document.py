"""A contract's document for terms that were agreed on without one: what it is for, and its policy
in the form that the association's contract manager writes (ODRL)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocol.assurance import Assurance


def make_contract_document(
    parties: Sequence[str],
    purposes: Sequence[str],
    recipients: Sequence[str],
    assurance: Assurance,
    salt: str,
) -> dict[str, Any]:
    """`parties` and `recipients` are DIDs; without recipients the parties alone see the data. The
    salt keeps whoever has only the hash from trying which document it belongs to."""
    constraints = [
        _constraint("purpose", "isAnyOf", list(purposes)),
        _constraint("recipient", "isAnyOf", list(recipients or parties)),
        _constraint("assurance", "gteq", assurance.value),
    ]
    permission = {"action": "use", "constraint": constraints, "duty": []}
    return {
        "parties": list(parties),
        "purpose": [{"purpose": each} for each in purposes],
        "policy": [{"permission": [permission], "prohibition": []}],
        "salt": salt,
    }


def _constraint(left: str, operator: str, right: str | list[str]) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}
