"""Each planted bug can still be planted: a patch that no longer fits would find nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from node.config import PROJECT_ROOT

PLANTED = PROJECT_ROOT / "tests" / "faults" / "planted"
PATCHES = sorted(PLANTED.rglob("*.patch"))


@pytest.mark.parametrize(("where", "least"), [("indexer", 10), ("sender", 20)])
def test_there_are_enough(where: str, least: int) -> None:
    assert len(list((PLANTED / where).glob("*.patch"))) >= least


@pytest.mark.parametrize("patch", PATCHES, ids=[patch.stem for patch in PATCHES])
def test_a_bug_can_be_planted(patch: Path) -> None:
    command = ["git", "apply", "--check", str(patch)]
    run = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
