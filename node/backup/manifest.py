"""What a backup says of itself: its parts with their hashes, and which ledger it belongs to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from node.secret_files import write_private

FORMAT = 1
MANIFEST_FILE = "manifest.json"
DATABASE_PART = "database.dump"
DEPLOYMENT_PART = "deployment.json"
CHUNK_BYTES = 1 << 20


class BackupBroken(Exception):
    """The backup is not whole, or not one that this version reads."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a backup."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made_at` in Unix seconds, before which everything that was accepted is inside;
    `last_outbox_id` the newest act; `rows` and `schema_versions` by table and by schema;
    `has_index` whether the index is inside, too; `block_number` that which it had reached."""

    format: int
    made_at: int
    operator_did: str
    chain_id: int
    genesis_hash: str
    last_outbox_id: int
    block_number: int | None
    has_index: bool
    schema_versions: dict[str, str]
    rows: dict[str, int]
    parts: dict[str, Part]


def describe_part(path: Path) -> Part:
    """Hash and size of a file."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return Part(digest.hexdigest(), size)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last file of a backup: without it there is none."""
    write_private(folder / MANIFEST_FILE, json.dumps(asdict(manifest), indent=2) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Reads it and every part; raises BackupBroken unless each is as it was written."""
    path = folder / MANIFEST_FILE
    try:
        content = json.loads(path.read_text())
        parts = {name: Part(**part) for name, part in content.pop("parts").items()}
        manifest = Manifest(**content, parts=parts)
    except FileNotFoundError:
        raise BackupBroken(
            f"{path} does not exist: this is no backup, or one that was broken off."
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupBroken(f"{path} cannot be read: take another backup.") from error
    if manifest.format != FORMAT:
        raise BackupBroken(
            f"{path} has the format {manifest.format}, this version reads {FORMAT}: restore it "
            "with the version that made it."
        )
    for name, part in manifest.parts.items():
        _require_as_written(folder / name, part)
    return manifest


def _require_as_written(path: Path, part: Part) -> None:
    if not path.is_file():
        raise BackupBroken(f"{path} is missing: copy the whole folder of the backup.")
    found = describe_part(path)
    if found != part:
        raise BackupBroken(
            f"{path} has {found.size_bytes} bytes and SHA-256 {found.sha256}, not "
            f"{part.size_bytes} bytes and {part.sha256}: take another copy of the backup."
        )
