"""Archives of the peers' packages, as their makers published them: fetched and compared by hash."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path


class ArchiveChanged(Exception):
    """What the registry gave is not what was pinned."""


def fetch_archive(command: Sequence[str], folder: Path, sha512: str) -> Path:
    """The one file that the command, with the folder as its last word, puts there.

    `sha512` is the expected hash in base64. Raises ArchiveChanged, or CalledProcessError if the
    command fails.
    """
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    [archive] = folder.iterdir()
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != sha512:
        raise ArchiveChanged(f"{archive.name} has the SHA-512 {found}, not {sha512}.")
    return archive
