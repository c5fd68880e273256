"""What a caller did wrong, or what the node cannot do now: the kinds of problem it answers with.

Every problem says what was wrong, in which field, and what to do about it (RFC 9457). Its kind is
one of `node.problem_kinds` or a broken rule of `protocol.errors`; `/problems/<slug>` explains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from node.problem_kinds import KINDS, Kind
from protocol.errors import ProtocolError

CONFLICTS = frozenset(
    {
        "AlreadyProposed",
        "AlreadySigned",
        "AlreadyAnchored",
        "AlreadyAdmitted",
        "StateInvalid",
        "VoucherNotNewer",
        "DepositTooSmall",
        "AgreementNeverActive",
        "Stopped",
    }
)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that was wrong; `field` is its path in the request."""

    field: str
    detail: str
    remedy: str


@dataclass
class Problem(Exception):
    """An answer that is an error. `slug` names the kind; `values` are shown as they are."""

    status: int
    slug: str
    title: str
    detail: str
    remedy: str
    errors: list[FieldProblem] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, slug: str, detail: str = "", remedy: str = "") -> Problem:
        """A problem of a kind in `KINDS`, which says what the occasion does not."""
        kind = KINDS[slug]
        problem = cls(kind.status, slug, kind.title, detail or kind.meaning, remedy or kind.remedy)
        problem.headers.update(kind.headers)
        return problem

    def about(self, at: str) -> Problem:
        """The same problem, naming the field that carried the value."""
        self.errors.append(FieldProblem(at, self.detail, self.remedy))
        return self

    def document(self, instance: str) -> dict[str, Any]:
        """The problem document for a request to `instance`."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "remedy": self.remedy,
            "instance": instance,
        }
        if self.errors:
            document["errors"] = [
                {"field": error.field, "detail": error.detail, "remedy": error.remedy}
                for error in self.errors
            ]
        if self.values:
            document["values"] = {
                _camel_case(name): _show(value) for name, value in self.values.items()
            }
        return document


def not_found(noun: str, identifier: str, remedy: str) -> Problem:
    """404: the thing does not exist or is not the caller's."""
    return Problem.of(f"{noun}-not-found", f"There is no {noun} {identifier}.", remedy)


def refused(error: ProtocolError, at: str | None = None, remedy: str = "") -> Problem:
    """422 or 409 for a broken rule; `at` is the field that carried the value, and `remedy` what
    the occasion knows better than the rule."""
    kind = kind_of_rule(type(error))
    detail = str(error).removesuffix(f" {error.remedy}")
    problem = Problem(kind.status, kind.slug, kind.title, detail, remedy or kind.remedy)
    problem.values = error.values()
    return problem if at is None else problem.about(at)


@contextmanager
def naming(at: str) -> Iterator[None]:
    """A rule broken inside the block becomes a problem that names the field."""
    try:
        yield
    except ProtocolError as error:
        raise refused(error, at) from error


def kind_of_rule(error: type[ProtocolError]) -> Kind:
    """The kind of problem that breaking a rule is; its sentence without the values."""
    name = error.__name__
    meaning = re.sub(r"\{(\w+)[^}]*\}", lambda value: f"⟨{_words(value[1])}⟩", error.sentence)
    title = " ".join(re.findall(r"[A-Z][a-z0-9]*", name)).capitalize()
    slug = title.lower().replace(" ", "-")
    return Kind(409 if name in CONFLICTS else 422, slug, title, meaning, error.remedy)


@cache
def catalogue() -> Mapping[str, Kind]:
    """Every kind that the node can answer, by slug: its own and the rules'."""
    rules = [kind_of_rule(error) for error in _rules_below(ProtocolError)]
    return {kind.slug: kind for kind in sorted((*KINDS.values(), *rules), key=lambda k: k.slug)}


def _rules_below(base: type[ProtocolError]) -> Iterator[type[ProtocolError]]:
    for error in base.__subclasses__():
        if "__dataclass_fields__" in vars(error):
            yield error
        yield from _rules_below(error)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _show(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value
