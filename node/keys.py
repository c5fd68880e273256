"""Keys that a node keeps: encrypted key files (Web3 Secret Storage) and one master key for records.

Every file is created with mode 0600 before anything is written into it. Secrets are never logged
and never appear in an error.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

KEYSTORE_ITERATIONS = 2**14
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - the name of a file
MASTER_KEY_FILE = "master-key"


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


def load_or_create_account(keys_dir: Path, name: str) -> LocalAccount:
    """The account in the key file `<name>.json`, created at the first call.

    Raises KeyFileError if the file does not open with the passphrase beside it.
    """
    passphrase = read_or_create_secret(keys_dir / PASSPHRASE_FILE).hex()
    path = keys_dir / f"{name}.json"
    if not path.exists():
        account: LocalAccount = Account.create()
        keystore = Account.encrypt(
            account.key, passphrase, kdf="scrypt", iterations=KEYSTORE_ITERATIONS
        )
        write_private(path, json.dumps(keystore))
        return account
    try:
        key = Account.decrypt(json.loads(path.read_text()), passphrase)
    except ValueError as error:
        raise KeyFileError(
            f"{path} does not open with {keys_dir / PASSPHRASE_FILE}: restore both from one backup."
        ) from error
    loaded: LocalAccount = Account.from_key(key)
    return loaded


def load_master_key(keys_dir: Path) -> bytes:
    """The key that wraps each record's data key."""
    return read_or_create_secret(keys_dir / MASTER_KEY_FILE)
