"""The golden vectors in the repository are those that the script writes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("name", ["make_vectors", "make_bundle_vectors"])
def test_the_vectors_are_written_anew_byte_by_byte(name: str) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / f"{name}.py"))
    built = script["build_vectors"]()
    folder = ROOT / "tests" / "vectors"
    stored = {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8")
        for concept in {name.split("/")[0] for name in built}
        for file in (folder / concept).glob("*.json")
    }
    assert stored == built
