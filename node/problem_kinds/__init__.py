"""The kinds of problem that the node answers with, besides broken rules of `protocol.errors`."""

from __future__ import annotations

from collections.abc import Mapping

from node.problem_kinds.callers import CALLERS
from node.problem_kinds.conflicts import CONFLICTS
from node.problem_kinds.kind import Kind
from node.problem_kinds.malformed import MALFORMED
from node.problem_kinds.missing import MISSING
from node.problem_kinds.unavailable import UNAVAILABLE

__all__ = ["KINDS", "Kind"]

KINDS: Mapping[str, Kind] = {
    kind.slug: kind for kind in (*CALLERS, *MALFORMED, *MISSING, *CONFLICTS, *UNAVAILABLE)
}
