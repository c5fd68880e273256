"""The project's own files, for the tests that look at its style."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from node.config import PROJECT_ROOT


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the project as git knows them, those of this change included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, check=True)
    paths = (PROJECT_ROOT / name for name in done.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT))


def files(*suffixes: str, under: str = "") -> list[Path]:
    return [
        path for path in tracked() if path.suffix in suffixes and name_of(path).startswith(under)
    ]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
