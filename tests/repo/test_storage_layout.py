"""The layout of storage is committed: proofs of storage read it, so it never changes unseen."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from node.config import PROJECT_ROOT
from node.contracts import ALL_CONTRACTS
from protocol.contracts import load_artifact


def exporter() -> ModuleType:
    path = PROJECT_ROOT / "scripts" / "export_artifacts.py"
    spec = importlib.util.spec_from_file_location("export_artifacts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_layout_is_the_committed_one() -> None:
    """After a wanted change: `python scripts/export_artifacts.py --layouts`."""
    script = exporter()
    artifacts = [load_artifact(name) for name in script.SOURCES]
    assert script.show_layouts(artifacts) == script.LAYOUTS.read_text()
    assert set(script.SOURCES) == set(ALL_CONTRACTS)
