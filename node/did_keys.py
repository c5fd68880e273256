"""Keys that sign for the node's operator in its DID document: P-256, in encrypted key files.

They sign what goes to other nodes (ES256), never a transaction. Each is a file of its own,
`did-0001.pem` and so on (PKCS #8, encrypted under the passphrase beside), so that a rotation adds
one and the earlier stays until the document no longer names it.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from node.secret_files import PASSPHRASE_FILE, KeyFileError, read_or_create_secret, write_private

KEY_FILE = re.compile(r"did-([0-9]{4})\.pem")
COORDINATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class DidKey:
    """A key and its number, which grows with each rotation."""

    number: int
    _private: ec.EllipticCurvePrivateKey

    @property
    def public_jwk(self) -> dict[str, str]:
        """As a DID document shows it."""
        numbers = self._private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _text(numbers.x), "y": _text(numbers.y)}

    @property
    def private_jwk(self) -> dict[str, str]:
        """For signing; goes nowhere else."""
        return {**self.public_jwk, "d": _text(self._private.private_numbers().private_value)}


class DidKeys:
    """The key files of one node. Each is opened once; files that appear later are found."""

    def __init__(self, keys_dir: Path) -> None:
        self._keys_dir = keys_dir
        self._opened: dict[str, DidKey] = {}

    def newest_first(self) -> list[DidKey]:
        """All that are there. Raises KeyFileError if one does not open."""
        names = [path.name for path in self._keys_dir.glob("did-*.pem")]
        found = [self._open(name) for name in names if KEY_FILE.fullmatch(name)]
        return sorted(found, key=lambda key: -key.number)

    def create(self) -> DidKey:
        """A new key, in a file of its own."""
        number = max((key.number for key in self.newest_first()), default=0) + 1
        key = ec.generate_private_key(ec.SECP256R1())
        encryption = BestAvailableEncryption(self._passphrase())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        write_private(self._keys_dir / f"did-{number:04}.pem", pem.decode())
        return DidKey(number, key)

    def _open(self, name: str) -> DidKey:
        if name not in self._opened:
            path = self._keys_dir / name
            try:
                key: Any = load_pem_private_key(path.read_bytes(), self._passphrase())
            except (ValueError, TypeError) as error:
                beside = self._keys_dir / PASSPHRASE_FILE
                raise KeyFileError(
                    f"{path} does not open with {beside}: restore both from one backup."
                ) from error
            number = int(name.removeprefix("did-").removesuffix(".pem"))
            self._opened[name] = DidKey(number, key)
        return self._opened[name]

    def _passphrase(self) -> bytes:
        return read_or_create_secret(self._keys_dir / PASSPHRASE_FILE).hex().encode()


def _text(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(COORDINATE_BYTES)).rstrip(b"=").decode()
