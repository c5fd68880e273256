"""The page of attacks names tests that exist, and no attack is tested without standing there."""

from __future__ import annotations

import re

from node.config import PROJECT_ROOT
from tests.project_files import files

PAGE = PROJECT_ROOT / "docs" / "attacks.md"
TEST = re.compile(r"`(test\w+)`")
FUNCTION = re.compile(r"^\s*function (test\w+)\(", re.M)


def solidity_tests(under: str) -> set[str]:
    """Names of the Solidity tests in a folder."""
    found = (path.read_text(encoding="utf-8") for path in files(".sol", under=under))
    return {name for text in found for name in FUNCTION.findall(text)}


def test_every_test_named_on_the_page_exists() -> None:
    named = set(TEST.findall(PAGE.read_text(encoding="utf-8")))
    assert len(named) > 80
    assert named - solidity_tests("tests/solidity/") == set()


def test_every_attack_that_is_tested_stands_on_the_page() -> None:
    named = set(TEST.findall(PAGE.read_text(encoding="utf-8")))
    assert solidity_tests("tests/solidity/attacks/") - named == set()


def test_every_row_of_the_page_names_its_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    heads = {"attack", "---", "value", "batch", "what"}
    silent = [
        row for row in rows if row.split(" | ")[0].strip("| ") not in heads and "test" not in row
    ]
    assert [row for row in silent if not row.endswith("| the same |")] == []
