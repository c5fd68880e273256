"""How fast the chain becomes SQL: events beside Ponder, on the same chain and the same PostgreSQL,
and leaves by the million. Every run is a process of its own with an empty database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import Connection, create_engine, make_url, text

from node.bench.dense_chain import DenseChain, open_dense_chain
from node.bench.figures import Figure, measured
from node.bench.ponder import FINALITY_BLOCKS, measure_ponder
from node.contracts import save_deployment
from node.embedded.postgres import database_url, start_postgres
from node.migrate import migrate

SECTION = "index"
EVENTS = 500_000
LEAVES = 13_000_000
LEAVES_A_BATCH = 1_000
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Run:
    """One run of our indexer: seconds from its first request to its last commit, the processor
    time of its process and of the database's, its peak of memory; rows and bytes of the leaves."""

    seconds: float
    cpu_seconds: float
    database_cpu_seconds: float
    peak_bytes: int
    endings: int
    leaves: int
    leaves_bytes: int


def measure_indexing(folder: Path) -> Iterator[Figure]:
    """Events beside Ponder, then leaves; on a server that the bench starts."""
    process = start_postgres(folder / "postgres", _log(folder))
    server = database_url(folder / "postgres")
    try:
        yield from _events(folder / "events", server, process.pid)
        yield from _leaves(folder / "leaves", server, process.pid)
    finally:
        process.terminate()
        process.wait()


def _log(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "postgres.log"


def _events(folder: Path, server: str, server_pid: int) -> Iterator[Figure]:
    with open_dense_chain(folder) as chain:
        filling = chain.end_leaves(EVENTS)
        chain.add_empty_blocks(FINALITY_BLOCKS)
        theirs = measure_ponder(chain.url, chain.registry, filling, server, folder)
        ours = _run(chain, folder, server, server_pid)
        assert ours.endings == EVENTS, ours
    rate = EVENTS / ours.seconds
    yield measured(SECTION, "events indexed", rate, "a second", "≥ 100,000")
    yield measured(SECTION, "by Ponder 0.16.10", theirs.indexing_rate, "a second")
    yield measured(SECTION, "times as fast as Ponder", rate / theirs.indexing_rate, "", "≥ 20")
    yield measured(SECTION, "processor time an event", _micro(ours.cpu_seconds), "µs")
    yield measured(SECTION, "the database's, an event", _micro(ours.database_cpu_seconds), "µs")
    yield measured(SECTION, "Ponder's, an event", _micro(theirs.cpu_seconds), "µs")
    yield measured(SECTION, "memory at most", ours.peak_bytes / MEBIBYTE, "MiB", "≤ 500")
    yield measured(SECTION, "Ponder's memory at most", theirs.peak_bytes / MEBIBYTE, "MiB")


def _leaves(folder: Path, server: str, server_pid: int) -> Iterator[Figure]:
    with open_dense_chain(folder) as chain:
        chain.anchor_leaves(LEAVES, LEAVES_A_BATCH)
        run = _run(chain, folder, server, server_pid)
        assert run.leaves == LEAVES, run
    rate, name = LEAVES / run.seconds, "leaves indexed, their index included"
    yield measured(SECTION, name, rate, "a second", "≥ 300,000")
    yield measured(SECTION, "13 million leaves indexed", run.seconds, "s", "< 180")
    yield measured(SECTION, "on disk, with indexes", run.leaves_bytes / MEBIBYTE, "MiB")
    yield measured(SECTION, "memory at most, leaves", run.peak_bytes / MEBIBYTE, "MiB", "≤ 500")


def _micro(seconds: float) -> float:
    return 1e6 * seconds / EVENTS


def _run(chain: DenseChain, folder: Path, server: str, server_pid: int) -> Run:
    deployment = folder / "deployment.json"
    save_deployment(deployment, chain.ledger.deployment)
    with _new_database(server) as url:
        before = _cpu_seconds(server_pid)
        command = [sys.executable, "-m", "node.bench.follower", url, chain.url, str(deployment)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        run = json.loads(found.stdout.splitlines()[-1])
        spent = _cpu_seconds(server_pid) - before
        with create_engine(url).connect() as connection:
            _require_durable(connection)
            counts = [
                connection.scalar(text(statement))
                for statement in (
                    "SELECT count(*) FROM ledger.endings",
                    "SELECT count(*) FROM ledger.leaves",
                    "SELECT pg_total_relation_size('ledger.leaves')",
                )
            ]
    return Run(run["indexing_seconds"], run["cpu_seconds"], spent, run["peak_bytes"], *counts)


def _require_durable(connection: Connection) -> None:
    """What is fast because it may be lost is not measured."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert connection.scalar(text(f"SHOW {setting}")) == "on", setting
    unlogged = "SELECT count(*) FROM pg_class WHERE relpersistence = 'u'"
    assert connection.scalar(text(unlogged)) == 0


def _cpu_seconds(server_pid: int) -> float:
    """Of a server and all that it has started."""
    server = psutil.Process(server_pid)
    spent = server.cpu_times()
    ended = spent.children_user + spent.children_system
    running = [process.cpu_times() for process in (server, *server.children())]
    return float(ended + sum(times.user + times.system for times in running))


@contextmanager
def _new_database(server: str) -> Iterator[str]:
    """Address of a migrated, empty database, dropped after the block."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS bench WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE bench"))
    url = make_url(server).set(database="bench").render_as_string(hide_password=False)
    own = create_engine(url)
    migrate(own)
    own.dispose()
    try:
        yield url
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE bench WITH (FORCE)"))
        engine.dispose()
