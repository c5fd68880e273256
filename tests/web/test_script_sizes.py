"""The learner's pages stay light: a telephone on a school's network loads them at once."""

from __future__ import annotations

import re
import subprocess

import pytest

from node.config import PROJECT_ROOT

COMPRESSED_BYTES_MAX = 150_000


@pytest.fixture(scope="module")
def compressed() -> dict[str, int]:
    """The bytes of each built file as it travels, as the build itself prints them."""
    built = subprocess.run(
        ["node", "scripts/build_web.mjs"],
        cwd=PROJECT_ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.findall(r"^(\S+): \d+ bytes, (\d+) compressed$", built.stdout, re.M)
    return {name: int(size) for name, size in found}


@pytest.mark.parametrize("page", ["me", "requests", "withdraw", "rights", "check", "handover"])
def test_a_learners_page_is_light(compressed: dict[str, int], page: str) -> None:
    assert 0 < compressed[f"{page}.js"] <= COMPRESSED_BYTES_MAX
