"""Plants known bugs into copies of indexer and sender, one by one; the tests must find each.

python scripts/plant.py [PART_OF_A_NAME]

A patch names in its first line the tests that are to find it. They run once without any patch
first: a test that fails on sound code finds nothing. What was found is kept in `build/planted` and
not tried again while neither the patch nor the code nor a test has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATCHES = ROOT / "tests" / "faults" / "planted"
KEPT = ROOT / "build" / "planted"
COPIED = ("indexer", "node", "protocol", "tests", "pyproject.toml")
LINKED = ("node_modules", "examples", "web")
"""What the tests of a whole node need besides, and no patch touches."""
FOUND_BY = "Found by: "
FAILED = 1
"""What pytest returns when a test failed, and for nothing else."""
RUN_SECONDS_MAX = 600
FAILURE = re.compile(r"^(?:FAILED|ERROR) (?P<test>.+?) - (?P<reason>.*)$", re.MULTILINE)
ON_PURPOSE = re.compile(
    r"AssertionError|assert |Failed: DID NOT RAISE|indexer\.|psycopg.errors.UniqueViolation"
)
"""An assertion, an expected refusal that did not come, the indexer's own halt or complaint, or a
key of the database that is taken.
Whatever else ends a test says that the patch broke the code, not that the test found the bug."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one planted bug."""

    bug: str
    is_found: bool
    by: str
    reason: str
    seconds: float


def main() -> None:
    """Exit code 1 if a bug went unnoticed."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    patches = [
        patch
        for patch in sorted(PATCHES.rglob("*.patch"))
        if wanted in str(patch.relative_to(PATCHES))
    ]
    verdicts = []
    for number, patch in enumerate(patches, 1):
        verdicts.append(_judge(patch))
        said = "found" if verdicts[-1].is_found else "NOT FOUND"
        print(f"{number}/{len(patches)} {patch.stem}: {said}", flush=True)
    print(f"\n{'bug':<38} {'s':>4}  found by")
    for each in verdicts:
        print(f"{each.bug:<38} {each.seconds:>4.0f}  {each.by if each.is_found else 'NOTHING'}")
        print(f"{'':<44} {each.reason[:100]}")
    unnoticed = [each.bug for each in verdicts if not each.is_found]
    print(f"{len(patches) - len(unnoticed)} of {len(patches)} planted bugs found")
    if unnoticed or not patches:
        sys.exit(f"not found: {', '.join(unnoticed) or 'no patch of this name'}")


def _judge(patch: Path) -> Verdict:
    """The verdict that is kept of the same files, or a new one."""
    digest = hashlib.sha256(_digest_of_copied().encode() + patch.read_bytes()).hexdigest()
    kept = KEPT / f"{patch.stem}-{digest[:16]}.json"
    if kept.exists():
        return Verdict(**json.loads(kept.read_text()))
    verdict = _plant(patch)
    if verdict.is_found:
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(asdict(verdict)))
    return verdict


@cache
def _digest_of_copied() -> str:
    digest = hashlib.sha256()
    for name in COPIED:
        for path in sorted([ROOT / name, *(ROOT / name).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _plant(patch: Path) -> Verdict:
    first = patch.read_text().splitlines()[0]
    if not first.startswith(FOUND_BY):
        sys.exit(f"{patch.name} does not begin with a line `{FOUND_BY}tests/…`: add one.")
    tests = first.removeprefix(FOUND_BY).split()
    for test in tests:
        fault = _fault_without_a_patch(test)
        if fault is not None:
            return Verdict(patch.stem, False, "", f"{test} fails without a patch: {fault}", 0)
    with _copy_of_the_code() as folder:
        command = ["git", "apply", "--unsafe-paths", f"--directory={folder}", str(patch)]
        subprocess.run(command, cwd=folder, check=True)
        started = time.monotonic()
        run = _run(folder, tests)
        seconds = time.monotonic() - started
    if run is None:
        reason = f"the tests did not end within {RUN_SECONDS_MAX} s"
        return Verdict(patch.stem, False, "", reason, RUN_SECONDS_MAX)
    failure = FAILURE.search(run.stdout)
    if run.returncode != FAILED or failure is None:
        return Verdict(patch.stem, False, "", _said(run), seconds)
    is_found = ON_PURPOSE.match(failure["reason"]) is not None
    return Verdict(patch.stem, is_found, failure["test"], failure["reason"], seconds)


@cache
def _fault_without_a_patch(test: str) -> str | None:
    """Why a test is of no use; None if it passes, as it must on code without a planted bug."""
    with _copy_of_the_code() as folder:
        run = _run(folder, [test])
    if run is None:
        return f"it did not end within {RUN_SECONDS_MAX} s"
    return None if run.returncode == 0 else _said(run)


@contextmanager
def _copy_of_the_code() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ptx-planted-") as folder:
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, Path(folder) / name, ignore=ignored)
            else:
                shutil.copy(source, folder)
        for name in LINKED:
            (Path(folder) / name).symlink_to(ROOT / name)
        yield folder


def _run(folder: str, tests: list[str]) -> subprocess.CompletedProcess[str] | None:
    """The tests up to the first that fails, in a copy; None if they take too long."""
    try:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not deep", *tests],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder, "COLUMNS": "400"},
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        return None


def _said(run: subprocess.CompletedProcess[str]) -> str:
    return f"pytest returned {run.returncode}: {run.stdout.strip()[-200:]}"


if __name__ == "__main__":
    main()
