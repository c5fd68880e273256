"""What the policies of a contract's document (ODRL) allow and forbid, ready to be put in words.

A policy is read as far as it has the form that the association's contract manager writes; what has
another one is left out here and stands in the document, which is shown whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

RULES = ("permission", "prohibition", "obligation")


@dataclass(frozen=True, slots=True)
class Constraint:
    """`left` and `operator` are ODRL's own names; the texts have words for the common ones."""

    left: str
    operator: str
    right: str


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """What may, must not, or must be done (`kind`), with what, and under which conditions."""

    kind: str
    description: str
    action: str
    target: str
    constraints: tuple[Constraint, ...]


def policies_of(document: Mapping[str, Any]) -> list[Any]:
    """A bilateral contract's own, or those of an ecosystem contract's offerings, in their order."""
    own = document.get("policy")
    if isinstance(own, list):
        return own
    offerings = _objects(document.get("serviceOfferings"))
    return [policy for each in offerings for policy in _objects(each.get("policies"))]


def rules_of(document: Mapping[str, Any]) -> list[PolicyRule]:
    """All rules of its policies, in their order; of the catalogue's templates, too, whose rules are
    one level deeper."""
    return [
        PolicyRule(
            kind=kind,
            description=_text(policy.get("description")),
            action=_text(rule.get("action")),
            target=_text(rule.get("target")),
            constraints=tuple(_constraints(rule)),
        )
        for policy in _objects(policies_of(document))
        for kind in RULES
        for rule in _objects(_rules_in(policy).get(kind))
    ]


def _rules_in(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = policy.get("policy")
    return inner if isinstance(inner, Mapping) else policy


def _constraints(rule: Mapping[str, Any]) -> Iterator[Constraint]:
    for each in _objects(rule.get("constraint")):
        right = each.get("rightOperand")
        several = right if isinstance(right, list) else [right]
        words = ", ".join(_text(one) for one in several)
        yield Constraint(_text(each.get("leftOperand")), _text(each.get("operator")), words)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Of a text in several languages (JSON-LD) all of them."""
    if isinstance(value, list):
        return " / ".join(_text(each) for each in value)
    if isinstance(value, Mapping):
        return _text(value.get("@value"))
    return value if isinstance(value, str) else "" if value is None else str(value)
