"""How long a backup takes, and how long until a node that lost its database is ready again."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, insert, text

from node import tables
from node.backup.making import make_backup
from node.backup.restoring import restore_backup
from node.bench.figures import Figure, measured
from node.config import Settings
from node.db import owner_engine
from node.embedded.postgres import data_directory
from node.embedded.processes import Running
from node.embedded.supervisor import Supervisor, servers_alone
from node.sealing import seal
from node.secret_files import load_master_key
from protocol.identifiers import organisation_id

SECTION = "restore"
RECORDS = 100_000
RECORD_BYTES = 2_600
"""Of a record's JSON, as those of the examples have."""
ROWS_AT_ONCE = 5_000
ANCHORED_SECONDS = 900.0


def measure_restore(folder: Path) -> Iterator[Figure]:
    """A node of its own with 100,000 consents on the chain; it loses its database twice."""
    settings = Settings(state_dir=folder / "node", port=0, chain_port=0)
    with Supervisor(settings, _say_nothing).started() as running:
        complete = settings.model_copy(
            update={
                "database_url": running.database_url,
                "chain_url": running.chain_url,
                "deployment_path": settings.deployment_file,
            }
        )
        _anchor_records(complete, running)
        for name, with_index in (("plain", False), ("whole", True)):
            started = time.perf_counter()
            manifest = make_backup(complete, folder / name, with_index)
            words = "a backup of 100,000 consents" + (" with the index" if with_index else "")
            yield measured(SECTION, f"{words}, while the node runs", _since(started), "s")
            size = sum(part.size_bytes for part in manifest.parts.values())
            yield measured(SECTION, f"{words}, its size", size / 2**20, "MiB")
    for name, how in (
        ("plain", "the index from the chain"),
        ("whole", "the index from the backup"),
    ):
        shutil.rmtree(data_directory(settings.state_dir))
        started = time.perf_counter()
        with servers_alone(settings) as alone:
            restore_backup(alone, folder / name, _say_nothing)
        with Supervisor(settings, _say_nothing).started() as running:
            took = _since(started)
            _require_whole(running)
        yield measured(SECTION, f"from an empty database to ready, {how}", took, "s", "≤ 900 s")


def _anchor_records(settings: Settings, running: Running) -> None:
    operator = organisation_id(settings.operator_did)
    master_key = load_master_key(settings.keys_dir)
    record = json.dumps({"document": secrets.token_hex(RECORD_BYTES // 2)}).encode()
    engine = owner_engine(running.database_url)
    for _ in range(0, RECORDS, ROWS_AT_ONCE):
        leaves = [secrets.token_bytes(32) for _ in range(ROWS_AT_ONCE)]
        sealed = [(leaf, seal(record, leaf, master_key)) for leaf in leaves]
        with engine.begin() as connection:
            rows = [
                {
                    "organisation_id": operator,
                    "leaf": leaf,
                    "agreement_id": bytes(32),
                    "issuer": operator,
                    "holder": leaf[:20],
                    "valid_from": 0,
                    "valid_until": 2**40,
                    "commitment": bytes(33),
                    "assurance": "signed",
                    "sealed_record": each.ciphertext,
                    "wrapped_key": each.wrapped_key,
                }
                for leaf, each in sealed
            ]
            connection.execute(insert(tables.consents), rows)
            acts = [
                {
                    "organisation_id": operator,
                    "kind": "anchor",
                    "subject": leaf,
                    "order_key": leaf,
                    "payload": {},
                }
                for leaf in leaves
            ]
            connection.execute(insert(tables.outbox), acts)
    _wait_until_anchored(engine)
    engine.dispose()


def _wait_until_anchored(engine: Engine) -> None:
    statement = text("SELECT count(*) FROM ledger.leaves")
    deadline = time.monotonic() + ANCHORED_SECONDS
    while True:
        with engine.connect() as connection:
            anchored = connection.execute(statement).scalar_one()
        if anchored >= RECORDS:
            return
        assert time.monotonic() < deadline, f"{anchored} of {RECORDS} leaves are on the chain"
        time.sleep(1.0)


def _require_whole(running: Running) -> None:
    """Every record, every act done, and every leaf in the index."""
    engine = owner_engine(running.database_url)
    statement = text(
        "SELECT (SELECT count(*) FROM node.consents WHERE wrapped_key IS NOT NULL),"
        " (SELECT count(*) FROM node.outbox WHERE state IN ('mined', 'final')),"
        " (SELECT count(*) FROM node.outbox AS o WHERE EXISTS"
        "  (SELECT FROM ledger.leaves AS l WHERE l.leaf = o.subject))"
    )
    with engine.connect() as connection:
        found = tuple(connection.execute(statement).one())
    engine.dispose()
    assert found == (RECORDS, RECORDS, RECORDS), found


def _since(started: float) -> float:
    return time.perf_counter() - started


def _say_nothing(line: str) -> None:
    """The figures are what is printed."""
