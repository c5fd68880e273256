"""The node's keys in one file that a passphrase opens: never beside the backup that they open.

File: `PTXKEYS1` ‖ salt(16) ‖ nonce(12) ‖ AES-256-GCM of a JSON object, name → hexadecimal digits;
the key is scrypt of the passphrase (RFC 7914, N = 2^16, r = 8, p = 1).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from node.secret_files import write_private

MAGIC = b"PTXKEYS1"
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
SCRYPT_N = 2**16
PASSPHRASE_LENGTH_MIN = 16


class KeysNotOpened(Exception):
    """The file of keys does not open, or there are keys already."""


def seal_keys(files: dict[str, Path], passphrase: str, target: Path) -> int:
    """Seals the files that exist under their names; how many. Raises KeysNotOpened."""
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise KeysNotOpened(
            f"The passphrase has {len(passphrase)} characters: take {PASSPHRASE_LENGTH_MIN} or "
            "more, for whoever has the file may guess for years."
        )
    contents = {name: path.read_bytes().hex() for name, path in files.items() if path.is_file()}
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    sealed = AESGCM(_derive(passphrase, salt)).encrypt(nonce, json.dumps(contents).encode(), MAGIC)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(MAGIC + salt + nonce + sealed)
        file.flush()
        os.fsync(file.fileno())
    return len(contents)


def open_keys(source: Path, passphrase: str) -> dict[str, bytes]:
    """Name → content. Raises KeysNotOpened."""
    whole = source.read_bytes()
    salt_end = len(MAGIC) + SALT_BYTES
    nonce_end = salt_end + NONCE_BYTES
    if not whole.startswith(MAGIC):
        raise KeysNotOpened(f"{source} is no file of sealed keys: name the one of `backup --keys`.")
    key = _derive(passphrase, whole[len(MAGIC) : salt_end])
    try:
        opened = AESGCM(key).decrypt(whole[salt_end:nonce_end], whole[nonce_end:], MAGIC)
    except InvalidTag:
        raise KeysNotOpened(
            f"{source} does not open: another passphrase, or the file was changed."
        ) from None
    return {name: bytes.fromhex(content) for name, content in json.loads(opened).items()}


def put_keys(keys: dict[str, bytes], places: dict[str, Path]) -> None:
    """Writes keys where they belong; never over one that is there and differs."""
    for name, content in keys.items():
        path = places[name]
        if path.exists() and path.read_bytes() != content:
            raise KeysNotOpened(f"{path} exists and is another key: restore into an empty folder.")
    for name, content in keys.items():
        write_private(places[name], content.decode())


def _derive(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=SCRYPT_N, r=8, p=1).derive(passphrase.encode())
