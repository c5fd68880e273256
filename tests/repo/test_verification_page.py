"""docs/verification.md counts the properties that there are, and explains the mutants that live."""

from __future__ import annotations

import re

from node.config import PROJECT_ROOT
from tests.project_files import files

PAGE = (PROJECT_ROOT / "docs" / "verification.md").read_text(encoding="utf-8")


def test_the_properties_of_each_file_are_counted() -> None:
    counted = {
        name: int(count)
        for name, count in re.findall(r"^\| `(\w+\.t\.sol)` \| (\d+) \|", PAGE, re.M)
    }
    there = {
        path.name: len(re.findall(r"\bfunction check_", path.read_text(encoding="utf-8")))
        for path in files(".sol", under="tests/solidity/symbolic/")
        if path.name.endswith(".t.sol")
    }
    assert counted == there
