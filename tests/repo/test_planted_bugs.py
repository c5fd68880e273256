"""Each planted bug can still be planted: a patch that no longer fits would find nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from node.config import PROJECT_ROOT

PATCHES = sorted((PROJECT_ROOT / "tests" / "faults" / "planted").glob("*.patch"))


def test_there_are_at_least_ten() -> None:
    assert len(PATCHES) >= 10


@pytest.mark.parametrize("patch", PATCHES, ids=[patch.stem for patch in PATCHES])
def test_a_bug_can_be_planted(patch: Path) -> None:
    command = ["git", "apply", "--check", str(patch)]
    run = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
