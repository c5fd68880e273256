"""The pages' scripts against the golden vectors, run by Node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from node.config import PROJECT_ROOT


def test_the_scripts_follow_the_protocol() -> None:
    node = shutil.which("node")
    if node is None or not (PROJECT_ROOT / "node_modules" / "viem").exists():
        pytest.skip("Node 20 and its packages are missing: install Node and run `npm ci`.")
    tests = sorted(str(file) for file in Path(__file__).parent.glob("*.test.mjs"))
    ran = subprocess.run(
        [node, "--test", *tests], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
