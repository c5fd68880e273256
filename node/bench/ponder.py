"""A peer on the same chain and the same PostgreSQL: Ponder, which indexes the same events.

Its project is in `ponder/` beside this file: one row an event, as its documentation recommends.
It starts on a new database, so nothing of it is cached. Its own connections turn
`synchronous_commit` off, whatever the server's setting is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy import make_url

from node.bench.dense_chain import Filling
from node.bench.ledger import CHAIN_ID
from node.config import PROJECT_ROOT
from node.embedded.chain import HOST
from node.embedded.processes import STOP_TIMEOUT_SECONDS
from node.embedded.supervisor import free_port

PROJECT = Path(__file__).parent / "ponder"
INSTALLED = PROJECT_ROOT / "cache" / "ponder"
NODE_BINARIES = PROJECT_ROOT / "node_modules" / ".bin"
DATABASE = SCHEMA = "ponder"
COUNT_ROWS = "SELECT count(*) FROM ponder.ending"
FINALITY_BLOCKS = 30
"""Ponder gives blocks nearer to the head to its slower live part, and lets nobody change that."""
LOGS_BLOCK_RANGE = 5
"""Blocks of logs a request: with tens of thousands of events, answers that Node can parse."""
TIMEOUT_SECONDS = 900.0
POLL_SECONDS = 0.05
FETCHING = "Started fetching backfill JSON-RPC data"
INDEXED = "Completed backfill indexing across all chains"


class PonderFailed(Exception):
    """It ended, took too long, or left events out."""


@dataclass(frozen=True, slots=True)
class PonderRun:
    """One run over events that were there before it.

    `seconds` is from the start of its process, `indexing_seconds` from its first request for
    events; both end when its last row is committed. `cpu_seconds` and `peak_bytes` (resident) are
    those of its processes, without the database's; the former depends least on what else the
    machine does. `fsync` and `synchronous_commit` are the server's.
    """

    events: int
    seconds: float
    indexing_seconds: float
    cpu_seconds: float
    peak_bytes: int
    fsync: str
    synchronous_commit: str

    @property
    def rate(self) -> float:
        """Events a second, the start of its process included."""
        return self.events / self.seconds

    @property
    def indexing_rate(self) -> float:
        """Events a second from the first request for events."""
        return self.events / self.indexing_seconds


def measure_ponder(
    chain_url: str, contract: str, filling: Filling, database_url: str, folder: Path
) -> PonderRun:
    """Indexes the events of a filling into a database of its own on this server.

    Beforehand, FINALITY_BLOCKS blocks have to be put on top of the filling. `folder` takes the log.
    Raises PonderFailed.
    """
    install_ponder()
    with _new_database(database_url) as url, psycopg.connect(url, autocommit=True) as database:
        environment = {
            "CHAIN_ID": str(CHAIN_ID),
            "CHAIN_URL": chain_url,
            "CONTRACT": contract,
            "FIRST_BLOCK": str(filling.first_block),
            "LAST_BLOCK": str(filling.last_block),
            "LOGS_BLOCK_RANGE": str(LOGS_BLOCK_RANGE),
            "DATABASE_URL": url,
        }
        started, log = time.time(), folder / "ponder.log"
        with _started(environment, log) as process:
            times, peak_bytes = _watch(process, log)
            cpu_seconds = _cpu_seconds(process)
            found = _value(database, COUNT_ROWS)
        if found != filling.count:
            raise PonderFailed(f"Ponder kept {found:,} of {filling.count:,} events; see {log}.")
        unlogged = _value(database, "SELECT count(*) FROM pg_class WHERE relpersistence = 'u'")
        if unlogged != 0:
            raise PonderFailed(f"{unlogged} of Ponder's tables are unlogged: no fair comparison.")
        return PonderRun(
            events=filling.count,
            seconds=times[INDEXED] - started,
            indexing_seconds=times[INDEXED] - times[FETCHING],
            cpu_seconds=cpu_seconds,
            peak_bytes=peak_bytes,
            fsync=_value(database, "SHOW fsync"),
            synchronous_commit=_value(database, "SHOW synchronous_commit"),
        )


def install_ponder() -> None:
    """Puts the project with its locked packages where git does not look, unless it is there."""
    lock = (PROJECT / "package-lock.json").read_bytes()
    done = INSTALLED / ".installed"
    if not done.exists() or done.read_bytes() != lock:
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PROJECT / name, INSTALLED / name)
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=INSTALLED, env=_environment({}), check=True)
        done.write_bytes(lock)
    for former in (".ponder", "src"):
        shutil.rmtree(INSTALLED / former, ignore_errors=True)
    shutil.copytree(PROJECT / "src", INSTALLED / "src")
    for name in ("ponder.config.ts", "ponder.schema.ts"):
        shutil.copy(PROJECT / name, INSTALLED / name)
    (INSTALLED / "src" / "api").mkdir(exist_ok=True)
    shutil.copy(PROJECT / "api.ts", INSTALLED / "src" / "api" / "index.ts")


@contextmanager
def _new_database(server_url: str) -> Iterator[str]:
    """Address of an empty database on the server, dropped after the block."""
    server = make_url(server_url).set(drivername="postgresql")
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    address = server.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield server.set(database=DATABASE).render_as_string(hide_password=False)
        finally:
            connection.execute(drop)


@contextmanager
def _started(environment: Mapping[str, str], log: Path) -> Iterator[psutil.Popen]:
    """`ponder start`, ended after the block; its words go to the log."""
    command = ["node", "node_modules/ponder/dist/esm/bin/ponder.js", "start", "--schema", SCHEMA]
    command += ["--log-format", "json", "--hostname", HOST, "--port", str(free_port(HOST, 0))]
    with log.open("wb") as output:
        process = psutil.Popen(
            command,
            cwd=INSTALLED,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


def _watch(process: psutil.Popen, log: Path) -> tuple[dict[str, float], int]:
    """When it said what, in seconds since 1970, and its peak memory, once all is indexed."""
    deadline, peak_bytes = time.monotonic() + TIMEOUT_SECONDS, 0
    while INDEXED not in (times := _times(log)):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            raise PonderFailed(f"Ponder did not index everything; its log ({log}) ends:\n{tail}")
        peak_bytes = max(peak_bytes, _resident_bytes(process))
        time.sleep(POLL_SECONDS)
    return times, peak_bytes


def _times(log: Path) -> dict[str, float]:
    """When each message stood first in the log, as far as its lines are complete."""
    times: dict[str, float] = {}
    for line in log.read_text(errors="replace").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            record = json.loads(line)
            times.setdefault(record["msg"], record["time"] / 1_000)
    return times


def _resident_bytes(process: psutil.Process) -> int:
    """Resident memory of the process and all its descendants."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += one.memory_info().rss
    return total


def _cpu_seconds(process: psutil.Process) -> float:
    """Processor time of the process and of all its descendants."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _value(database: psycopg.Connection[Any], query: Any) -> Any:
    row = database.execute(query).fetchone()
    assert row is not None
    return row[0]


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """What this process has, the project's Node first; nothing is reported to Ponder's makers."""
    path = f"{NODE_BINARIES}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "PONDER_TELEMETRY_DISABLED": "1", **more}
