"""docs/verification.md counts the properties that there are, and explains the mutants that live."""

from __future__ import annotations

import json
import re

from node.config import PROJECT_ROOT
from tests.mutation.campaign import survivors_page
from tests.mutation.mutants import all_mutants
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


def test_every_mutant_that_lives_is_explained_where_it_is() -> None:
    reasons = json.loads((PROJECT_ROOT / "tests/mutation/equivalent.json").read_text())
    mutants = all_mutants(PROJECT_ROOT)
    assert sorted(set(reasons) - {mutant.id for mutant in mutants}) == []
    page = (PROJECT_ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    assert page == survivors_page(mutants, reasons)
