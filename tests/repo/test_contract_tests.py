"""Every error and every event that the contracts declare is expected by some test of theirs."""

from __future__ import annotations

import re

import pytest

from node.config import PROJECT_ROOT
from tests.project_files import files

DECLARED = re.compile(r"^\s*(error|event)\s+(\w+)\(", re.M)
RESTRICTED = re.compile(r"function (\w+)\([^)]*\)[^{;]*\brestricted\b")
COMMENT = re.compile(r"//.*")
# The one reason that a revert must have, or the event that must come next: an import, a comment and
# a list of reasons of which any will do expect nothing.
EXPECTS = {
    "error": (
        r"(?:\bexpectRevert\(|\bencodeWithSelector\(|\bbytes4 \w+ =)"
        r"\s*{interface}\.{name}\.selector"
    ),
    "event": (
        r"\bexpectEmit\([^;]*\);\s*emit {interface}\.{name}\("
        r"|\btopics\[0\](?:,| ==) {interface}\.{name}\.selector"
    ),
}


def declared() -> list[tuple[str, str, str]]:
    """Kind, interface and name of every error and event of the contracts."""
    return [
        (kind, path.stem, name)
        for path in files(".sol", under="contracts/")
        for kind, name in DECLARED.findall(path.read_text(encoding="utf-8"))
    ]


def solidity_tests() -> str:
    """All of them without their comments."""
    texts = (path.read_text(encoding="utf-8") for path in files(".sol", under="tests/solidity/"))
    return COMMENT.sub("", "".join(texts))


def test_errors_and_events_are_declared_at_the_interfaces_alone() -> None:
    interfaces = {path.stem for path in files(".sol", under="contracts/interfaces/")}
    assert len(declared()) > 80
    assert {interface for _, interface, _ in declared()} <= interfaces


@pytest.mark.parametrize("kind", sorted(EXPECTS))
def test_each_is_expected_by_a_test(kind: str) -> None:
    tests = solidity_tests()
    unmet = [
        f"{interface}.{name}"
        for each, interface, name in declared()
        if each == kind
        and not re.search(EXPECTS[kind].format(interface=interface, name=name), tests)
    ]
    assert unmet == []


def test_no_revert_is_expected_without_a_reason() -> None:
    assert "expectRevert()" not in solidity_tests()


def test_the_invariant_of_power_asks_for_every_restricted_act() -> None:
    restricted = {
        name
        for path in files(".sol", under="contracts/")
        for name in RESTRICTED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(restricted) > 10
    invariant = PROJECT_ROOT / "tests/solidity/invariants/PowerInvariants.sol"
    asked = re.findall(r"\w+\.(\w+)\.selector", invariant.read_text(encoding="utf-8"))
    assert restricted - set(asked) == set()
