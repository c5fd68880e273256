"""Every error and every event that the contracts declare is met by some test of theirs."""

from __future__ import annotations

import re

import pytest

from tests.project_files import files

DECLARED = re.compile(r"^\s*(error|event)\s+(\w+)\(", re.M)
MEETS = {"error": r"{interface}\.{name}\.selector", "event": r"emit\s+{interface}\.{name}\("}


def declared() -> list[tuple[str, str, str]]:
    """Kind, interface and name of every error and event of the contracts."""
    return [
        (kind, path.stem, name)
        for path in files(".sol", under="contracts/")
        for kind, name in DECLARED.findall(path.read_text(encoding="utf-8"))
    ]


def test_errors_and_events_are_declared_at_the_interfaces_alone() -> None:
    interfaces = {path.stem for path in files(".sol", under="contracts/interfaces/")}
    assert len(declared()) > 80
    assert {interface for _, interface, _ in declared()} <= interfaces


@pytest.mark.parametrize("kind", sorted(MEETS))
def test_each_is_met_by_a_test(kind: str) -> None:
    tests = "".join(path.read_text("utf-8") for path in files(".sol", under="tests/solidity/"))
    unmet = [
        f"{interface}.{name}"
        for each, interface, name in declared()
        if each == kind and not re.search(MEETS[kind].format(interface=interface, name=name), tests)
    ]
    assert unmet == []
