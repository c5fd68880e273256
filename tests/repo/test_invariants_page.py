"""docs/invariants.md names every invariant, and nothing that is not there."""

from __future__ import annotations

import re

from node.config import PROJECT_ROOT
from tests.project_files import files

PAGE = (PROJECT_ROOT / "docs" / "invariants.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in files(".sol", under="tests/solidity/")
)
FUNCTIONS = set(re.findall(r"\bfunction ((?:invariant|test|testFuzz)_\w+)\(", SOURCES))
NAMED = set(re.findall(r"`((?:invariant|test|testFuzz)_\w+)`", PAGE))


def test_every_function_of_the_page_is_in_the_tests() -> None:
    assert sorted(NAMED - FUNCTIONS) == []


def test_every_invariant_is_in_the_page() -> None:
    invariants = {name for name in FUNCTIONS if name.startswith("invariant_")}
    assert len(invariants) >= 20
    assert sorted(invariants - NAMED) == []


def test_numbers_have_no_gap_and_are_those_of_the_functions() -> None:
    rows = re.findall(r"^\| I(\d+) \|.*?\| `(invariant_\w+)` \|", PAGE, re.M)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    numbered = re.findall(
        r"@notice I(\d+)\b(?:(?!\n    function ).)*?\n    function (invariant_\w+)", SOURCES, re.S
    )
    assert sorted(numbered) == sorted(rows)
