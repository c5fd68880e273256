"""The page of threats names tests that exist, and no row of it goes without one."""

from __future__ import annotations

import re

from node.config import PROJECT_ROOT
from tests.project_files import files

PAGE = PROJECT_ROOT / "docs" / "threats.md"
TEST = re.compile(r"`(test_\w+)`")
FUNCTION = re.compile(r"^(?:async )?def (test_\w+)\(", re.M)
ATTACKERS = (
    *("stranger", "organisation", "operator", "administrator", "database", "backup"),
    *("validates", "line", "supply chain", "slip", "API key"),
)


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def attempts() -> list[str]:
    """The rows of the tables of attackers."""
    _, _, after = text().partition("## Who attacks")
    rows = [line for line in after.splitlines() if line.startswith("| ")]
    return [row for row in rows if not row.startswith(("| ---", "| tries to |"))]


def test_every_test_named_on_the_page_exists() -> None:
    sources = (path.read_text(encoding="utf-8") for path in files(".py", under="tests/"))
    known = {name for source in sources for name in FUNCTION.findall(source)}
    named = set(TEST.findall(text()))
    assert len(named) > 70
    assert named - known == set()


def test_every_attempt_names_what_stops_it_and_the_test_that_shows_it() -> None:
    assert len(attempts()) > 40
    for row in attempts():
        _, tried, stopped, tests, _ = row.split("|")
        assert tried.strip(), row
        assert stopped.strip(), row
        assert TEST.search(tests), row


def test_every_attacker_is_looked_at_and_what_is_left_is_said() -> None:
    sections = text().partition("## Who attacks")[2].split("\n### ")[1:]
    heads = " ".join(section.splitlines()[0] for section in sections)
    assert [attacker for attacker in ATTACKERS if attacker not in heads] == []
    for section in sections:
        assert "\nNot stopped: " in section, section.splitlines()[0]
