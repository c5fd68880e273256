"""What a kind of problem is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: what it means wherever it occurs, and what to do unless told better."""

    status: int
    slug: str
    title: str
    meaning: str
    remedy: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The kind's address on every node, the `type` of its problem documents."""
        return f"/problems/{self.slug}"


def nothing_found(noun: str, remedy: str) -> Kind:
    """404 for a noun."""
    meaning = f"No {noun} has this identifier, or it is not the caller's to see."
    return Kind(404, f"{noun}-not-found", f"No such {noun}", meaning, remedy)
