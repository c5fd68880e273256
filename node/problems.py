"""What a caller did wrong, or what the node cannot do now: the kinds of problem it answers with.

Every problem says what was wrong, in which field, and what to do about it (RFC 9457).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

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
            document["values"] = {name: _show(value) for name, value in self.values.items()}
        return document


def not_found(noun: str, identifier: str, remedy: str) -> Problem:
    """404: the thing does not exist or is not the caller's."""
    return Problem(
        404, f"{noun}-not-found", f"No such {noun}", f"There is no {noun} {identifier}.", remedy
    )


def refused(error: ProtocolError, at: str | None = None) -> Problem:
    """422 or 409 for a broken rule; `at` is the field that carried the value."""
    detail = str(error).removesuffix(f" {error.remedy}")
    errors = [] if at is None else [FieldProblem(at, detail, error.remedy)]
    name = type(error).__name__
    status = 409 if name in CONFLICTS else 422
    return Problem(
        status, kebab_case(name), _title(name), detail, error.remedy, errors, error.values()
    )


@contextmanager
def naming(at: str) -> Iterator[None]:
    """A rule broken inside the block becomes a problem that names the field."""
    try:
        yield
    except ProtocolError as error:
        raise refused(error, at) from error


def kebab_case(name: str) -> str:
    """`VoucherNotNewer` as `voucher-not-newer`."""
    return re.sub(r"[\s_]+|(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _title(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).capitalize()


def _show(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value
