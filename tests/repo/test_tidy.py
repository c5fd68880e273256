"""The house's style, held by a test and not by a plea."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.config import PROJECT_ROOT
from tests.project_files import files, lines_of, name_of, tracked

FILE_LINES_MAX = 400
CONTRACT_LINES_MAX = 555
FUNCTION_LINES_MAX = 70
PROTOCOL_FUNCTION_LINES_MAX = 40
COLUMNS_MAX = 100
README_LINES_MAX = 120
CODE = (".py", ".sol", ".js", ".mjs", ".ts", ".css", ".html", ".sh", ".toml")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "models", "misc", "shared"}
GENERATED = {
    "package-lock.json",
    "node/bench/ponder/package-lock.json",
    "requirements.lock",
    "requirements-dev.lock",
}
WAITING_LOOPS = {"tests/stage.py", "tests/repo/test_tidy.py", "tests/e2e/conftest.py"}
PACKAGES = ("protocol", "indexer", "node")
PLACE_NAMES = re.compile(r"/(?:home|root|Users|work)/[\w.-]+|/tmp/[\w-]*ptx")
REGISTRIES = re.compile(
    r"https?://[\w.:-]*(?:npmjs|pypi|pythonhosted|yarnpkg|jfrog|artifactory|nexus|index-url)", re.I
)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Functions of a module, each with its lines, the docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_git_knows_the_project() -> None:
    assert len(files(".py")) > 100
    assert len(files(".sol")) > 10


def test_no_file_is_too_long() -> None:
    long = {
        name_of(path): len(lines_of(path))
        for path in files(*CODE)
        if len(lines_of(path)) > (CONTRACT_LINES_MAX if path.suffix == ".sol" else FILE_LINES_MAX)
    }
    assert long == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{name_of(path)}: {name}": length
        for path in files(".py")
        for name, length in functions(path)
        if length > _function_limit(path)
    }
    assert long == {}


def _function_limit(path: Path) -> int:
    inside = name_of(path).startswith("protocol/")
    return PROTOCOL_FUNCTION_LINES_MAX if inside else FUNCTION_LINES_MAX


def test_no_line_is_too_wide() -> None:
    wide = [
        f"{name_of(path)}:{number}"
        for path in files(*CODE)
        if path.suffix != ".toml"
        for number, line in enumerate(lines_of(path), 1)
        if len(line) > COLUMNS_MAX
    ]
    assert wide == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in files(".py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_every_contract_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in files(".sol", under="contracts/")
        if "@title" not in path.read_text(encoding="utf-8")
    ]
    assert silent == []


def test_nothing_is_thrown_into_a_drawer() -> None:
    drawers = [
        name_of(path)
        for path in files(*CODE)
        if path.stem.lower() in DRAWERS or path.name in ("index.js", "index.mjs", "index.ts")
    ]
    assert drawers == []


def test_tests_are_no_package() -> None:
    packages = [path for path in files(".py", under="tests/") if path.name == "__init__.py"]
    assert packages == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    named = [
        f"{name_of(path)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.suffix in (*CODE, ".md", ".json", ".yml", ".yaml", ".lock", ".sql", "")
        and path != Path(__file__)
        for number, line in enumerate(_text(path), 1)
        if PLACE_NAMES.search(line)
    ]
    assert named == []


def _text(path: Path) -> list[str]:
    try:
        return lines_of(path)
    except UnicodeDecodeError:
        return []


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_lock_names_no_registry(name: str) -> None:
    lock = PROJECT_ROOT / name
    found = [line.strip()[:100] for line in lines_of(lock) if REGISTRIES.search(line)]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_python_package_is_pinned_by_hash(name: str) -> None:
    text = (PROJECT_ROOT / name).read_text()
    pins = re.findall(r"^([A-Za-z0-9][\w.-]*)(\[[\w,-]+\])?==\S+(.*)$", text, re.M)
    starts = re.findall(r"^[A-Za-z0-9][^\n]*", text, re.M)
    assert len(pins) == len(starts) > 20
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)
    assert [b.split("==")[0] for b in blocks if "==" in b and "--hash=sha256:" not in b] == []


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    locked = (PROJECT_ROOT / "requirements.lock").read_text().lower()
    for wanted in project["project"]["dependencies"]:
        name = re.split(r"[\[><=~ ]", wanted)[0].lower()
        assert re.search(rf"^{re.escape(name)}(\[[\w,-]+\])?==", locked, re.M), name


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    readme = PROJECT_ROOT / "README.md"
    assert 0 < len(lines_of(readme)) <= README_LINES_MAX
    broken = [
        f"{name_of(path)} -> {link}"
        for path in files(".md")
        for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", path.read_text())
        if not (path.parent / link).exists()
    ]
    assert broken == []


def test_pages_name_only_files_that_exist() -> None:
    missing = [
        f"{name_of(path)}: {named}"
        for path in files(".md")
        for named in re.findall(
            r"`((?:contracts|protocol|indexer|node|web|scripts|deploy|docs|tests)/[\w/.-]+\.\w+)`",
            path.read_text(),
        )
        if not (PROJECT_ROOT / named).exists() and "build/" not in named
    ]
    assert missing == []


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (PROJECT_ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(name[:4]) for name in names if re.match(r"\d{4}-", name)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 1


def test_every_test_can_be_found_by_the_name_of_what_it_tests() -> None:
    names = [path.stem for path in files(".py", under="tests/") if path.stem.startswith("test_")]
    assert len(names) > 30
    outside = [
        name_of(path)
        for path in files(".py")
        if path.stem.startswith("test_") and not name_of(path).startswith("tests/")
    ]
    assert outside == []


def test_no_test_waits_by_the_clock() -> None:
    """A test waits for a condition, in one of the few loops that do."""
    pause = re.compile(r"\btime\.sleep\(|\basyncio\.sleep\((?!0\))|wait_for_timeout\(")
    sleepers = [
        name_of(path)
        for path in files(".py", under="tests/")
        if pause.search(path.read_text()) and name_of(path) not in WAITING_LOOPS
    ]
    assert sleepers == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nobody_prints_or_leaves_things_to_do(package: str) -> None:
    marks = re.compile(r"\bprint\(|\bTODO\b|\bFIXME\b|\bXXX\b|breakpoint\(")
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in files(".py", under=f"{package}/")
        for number, line in enumerate(lines_of(path), 1)
        if marks.search(line) and not re.search(r"console\.print\(|_errors\.print\(|_print\(", line)
    ]
    assert found == []
