"""Plants known bugs into copies of the indexer, one by one, and shows that its tests find each.

python scripts/plant.py [PART_OF_A_NAME]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATCHES = ROOT / "tests" / "faults" / "planted"
COPIED = ("indexer", "node", "protocol", "tests", "pyproject.toml")
TESTS = (
    "tests/indexer/test_faults.py",
    "tests/indexer/test_scripted_reorganisations.py",
    "tests/indexer/test_fold.py",
    "tests/indexer/test_kill.py",
    "tests/indexer/test_verification.py",
)
FAILED = 1
"""What pytest returns when a test failed, and for nothing else."""


def main() -> None:
    """Exit code 1 if a bug went unnoticed."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    patches = [patch for patch in sorted(PATCHES.glob("*.patch")) if wanted in patch.stem]
    unnoticed = [patch.stem for patch in patches if not _is_found(patch)]
    print(f"{len(patches) - len(unnoticed)} of {len(patches)} planted bugs found")
    if unnoticed or not patches:
        sys.exit(f"not found: {', '.join(unnoticed) or 'no patch of this name'}")


def _is_found(patch: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix="ptx-planted-") as folder:
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(folder) / name)
            else:
                shutil.copy(source, folder)
        command = ["git", "apply", "--unsafe-paths", f"--directory={folder}", str(patch)]
        subprocess.run(command, cwd=folder, check=True)
        started = time.monotonic()
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not deep", *TESTS],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    by = lines[0].split(" - ")[0] if lines else f"pytest returned {run.returncode}"
    print(f"{patch.stem:<40} {by}  {time.monotonic() - started:.0f} s", flush=True)
    return run.returncode == FAILED


if __name__ == "__main__":
    main()
