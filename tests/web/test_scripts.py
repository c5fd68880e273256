"""The pages' scripts against the golden vectors, run by Node's own test runner."""

from __future__ import annotations

import subprocess
from pathlib import Path

from node.config import PROJECT_ROOT


def test_the_scripts_follow_the_protocol() -> None:
    tests = sorted(str(file) for file in Path(__file__).parent.glob("*.test.mjs"))
    ran = subprocess.run(
        ["node", "--test", *tests], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
