"""Takes a backup while the node runs: one snapshot of the database, and what belongs to it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import generate_latest
from sqlalchemy import Connection, Engine, func, select, text

from indexer.cursor import read_cursor
from node import tables
from node.backup.manifest import (
    DATABASE_PART,
    DEPLOYMENT_PART,
    FORMAT,
    MANIFEST_FILE,
    Manifest,
    describe_part,
    write_manifest,
)
from node.backup.postgres_tools import SCHEMAS, SCHEMAS_OF_INDEX, dump
from node.config import Settings
from node.contracts import load_deployment
from node.db import owner_engine
from node.keys import OPERATOR_KEY
from node.process_metrics import BACKUP, BACKUP_MADE_AT, tell


class BackupRefused(Exception):
    """There is something where the backup should be."""


def make_backup(settings: Settings, folder: Path, with_index: bool) -> Manifest:
    """Everything that was promised before it began, in a folder of its own.

    The index stays out unless it is asked for: the chain has it. Keys stay out always. Raises
    BackupRefused and ToolFailed; what is written by then has no manifest, and so is no backup.
    """
    assert settings.database_url is not None
    deployment = load_deployment(settings.deployment_file)
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty: name a folder that does not exist yet.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    made_at = int(time.time())
    schemas = (*SCHEMAS, *(SCHEMAS_OF_INDEX if with_index else ()))
    engine = owner_engine(settings.database_url)
    with _snapshot(engine) as (connection, snapshot):
        cursor = read_cursor(connection)
        rows, last = _count_rows(connection), _last_outbox_id(connection)
        versions = {schema: _version(connection, schema) for schema in ("node", "indexing")}
        dump(settings.database_url, snapshot, schemas, folder / DATABASE_PART)
    shutil.copyfile(settings.deployment_file, folder / DEPLOYMENT_PART)
    manifest = Manifest(
        format=FORMAT,
        made_at=made_at,
        operator_did=settings.operator_did,
        chain_id=deployment.chain_id,
        genesis_hash=deployment.genesis_hash,
        last_outbox_id=last,
        block_number=None if cursor is None else cursor.at.block_number,
        has_index=with_index,
        schema_versions=versions,
        rows=rows,
        parts={name: describe_part(folder / name) for name in (DATABASE_PART, DEPLOYMENT_PART)},
    )
    write_manifest(folder, manifest)
    _settle_on_disk(folder)
    BACKUP_MADE_AT.set(made_at)
    with engine.begin() as connection:
        tell(connection, "backup", generate_latest(BACKUP).decode())
    engine.dispose()
    return manifest


def key_places(settings: Settings) -> dict[str, Path]:
    """Name in a file of sealed keys → where the key lives."""
    names = ("master-key", "passphrase", f"{OPERATOR_KEY}.json")
    found = [path.name for path in sorted(settings.keys_dir.glob("*")) if path.is_file()]
    places = {name: settings.keys_dir / name for name in dict.fromkeys((*names, *found))}
    return {**places, settings.api_key_file.name: settings.api_key_file}


@contextmanager
def _snapshot(engine: Engine) -> Iterator[tuple[Connection, str]]:
    """A connection that sees one moment, and the name by which others see the same one."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection, connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()


def _count_rows(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables.metadata.sorted_tables
    }


def _last_outbox_id(connection: Connection) -> int:
    newest = connection.execute(select(func.max(tables.outbox.c.outbox_id))).scalar_one()
    return int(newest or 0)


def _version(connection: Connection, schema: str) -> str:
    statement = text(f"SELECT version_num FROM {schema}.alembic_version")
    return str(connection.execute(statement).scalar_one())


def _settle_on_disk(folder: Path) -> None:
    for name in (DEPLOYMENT_PART, MANIFEST_FILE, "."):
        descriptor = os.open(folder / name, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
