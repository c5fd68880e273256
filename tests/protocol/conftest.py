"""Fixtures of the tests of the rules: golden vectors, other people's samples, small deployments."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


@pytest.fixture
def samples() -> Path:
    """The folder of other people's documents, or a skip with the reason."""
    folder = os.environ.get("PTX_SAMPLES")
    if not folder or not Path(folder).is_dir():
        pytest.skip("PTX_SAMPLES does not name a folder with the published samples")
    return Path(folder)


@pytest.fixture
def vectors() -> Any:
    """Reads all golden vectors of a concept, by case."""

    def read(concept: str) -> dict[str, Any]:
        files = sorted((VECTORS / concept).glob("*.json"))
        assert files, f"no vectors for {concept}"
        return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}

    return read
