"""Secrets that a node keeps in private files, and the master key for records.

Every file is created with mode 0600 before anything is written into it. Secrets are never logged
and never appear in an error.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

MASTER_KEY_FILE = "master-key"
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - the name of a file
"""What opens the encrypted key files beside it."""


class KeyFileError(Exception):
    """A key file cannot be read; the message names the file and the remedy."""


def write_private(path: Path, content: str) -> None:
    """Writes a file that only its owner can read, in one step, or leaves what was there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_or_create_secret(path: Path) -> bytes:
    """32 random bytes kept as hex in a private file; created at the first call."""
    if not path.exists():
        write_private(path, secrets.token_hex(32) + "\n")
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise KeyFileError(f"{path} does not hold 32 bytes as hex: restore it from your backup.")
    return secret


def load_master_key(keys_dir: Path) -> bytes:
    """The key that wraps each record's data key."""
    return read_or_create_secret(keys_dir / MASTER_KEY_FILE)
