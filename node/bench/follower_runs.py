"""Our indexer as a process of its own, into a database of its own: what figures come from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import Connection, create_engine, make_url, text

from node.bench.dense_chain import DenseChain
from node.contracts import save_deployment
from node.embedded.postgres import database_url, start_postgres
from node.migrate import migrate

MEBIBYTE = 2**20
DURABLE_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL: its address and its process."""

    url: str
    process_id: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run of our indexer: seconds from its first request to its last commit, the processor
    time of its process and of the database's, its peak of memory; rows and bytes of the leaves; and
    what the database promised of a commit meanwhile, by the names of its settings."""

    seconds: float
    cpu_seconds: float
    database_cpu_seconds: float
    peak_bytes: int
    endings: int
    leaves: int
    leaves_bytes: int
    durability: Mapping[str, str]


@contextmanager
def open_server(folder: Path) -> Iterator[Server]:
    """A PostgreSQL with the settings of an embedded one, ended after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    process = start_postgres(folder / "postgres", folder / "postgres.log")
    try:
        yield Server(database_url(folder / "postgres"), process.pid)
    finally:
        process.terminate()
        process.wait()


def run_follower(chain: DenseChain, folder: Path, url: str, server: Server) -> Run:
    """Our indexer from nothing to the head, into an empty database."""
    deployment = folder / "deployment.json"
    save_deployment(deployment, chain.ledger.deployment)
    before = _cpu_seconds(server)
    command = [sys.executable, "-m", "node.bench.follower", url, chain.url, str(deployment)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    run = json.loads(found.stdout.splitlines()[-1])
    spent = _cpu_seconds(server) - before
    engine = create_engine(url)
    with engine.connect() as connection:
        durability = require_durable(connection)
        endings, leaves, leaves_bytes = [
            connection.scalar(text(statement))
            for statement in (
                "SELECT count(*) FROM ledger.endings",
                "SELECT count(*) FROM ledger.leaves",
                "SELECT pg_total_relation_size('ledger.leaves')",
            )
        ]
    engine.dispose()
    return Run(
        seconds=run["indexing_seconds"],
        cpu_seconds=run["cpu_seconds"],
        database_cpu_seconds=spent,
        peak_bytes=run["peak_bytes"],
        endings=endings,
        leaves=leaves,
        leaves_bytes=leaves_bytes,
        durability=durability,
    )


def require_durable(connection: Connection) -> dict[str, str]:
    """What is fast because it may be lost is not measured. The settings that say so, which each run
    prints."""
    settings = {name: str(connection.scalar(text(f"SHOW {name}"))) for name in DURABLE_SETTINGS}
    assert set(settings.values()) == {"on"}, settings
    unlogged = "SELECT count(*) FROM pg_class WHERE relpersistence = 'u'"
    assert connection.scalar(text(unlogged)) == 0
    return settings


def _cpu_seconds(server: Server) -> float:
    """Of a server and all that it has started."""
    parent = psutil.Process(server.process_id)
    spent = parent.cpu_times()
    ended = spent.children_user + spent.children_system
    running = [process.cpu_times() for process in (parent, *parent.children())]
    return float(ended + sum(times.user + times.system for times in running))


@contextmanager
def new_database(server: Server) -> Iterator[str]:
    """Address of a migrated, empty database, dropped after the block."""
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS bench WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE bench"))
    url = make_url(server.url).set(database="bench").render_as_string(hide_password=False)
    own = create_engine(url)
    migrate(own)
    own.dispose()
    try:
        yield url
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE bench WITH (FORCE)"))
        engine.dispose()
