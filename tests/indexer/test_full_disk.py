"""A full disk: of a range that does not fit nothing is written, the alarm is raised, and when there
is space again the indexer goes on by itself.

PostgreSQL really runs out of it: on a file system that is full, or because the system refuses its
processes any further byte in a file. The last way reaches the write-ahead log, too, at whose
refusal the server gives up, and recovers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from indexer.cursor import read_cursor
from indexer.verify import digest_of_ledger
from node.embedded.postgres import data_directory
from tests.indexer.conftest import TEMPLATE, Bench, Index, Server, running_server, source_of
from tests.indexer.histories import mine_all, tell
from tests.stage import wait_until

ALARM = "database_not_writable"
ALARMS_MIN = 3
UNLIMITED = "unlimited"
SMALL_BYTES = 64 * 2**20
WAL_SEGMENT_BYTES = 16 * 2**20
WAL_OFFSETS_BYTES = range(2 * 2**20, 12 * 2**20)
GROWN_BYTES_MAX = str(2**20)
"""More than any table of these tests takes, and less than where the write-ahead log is."""


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may bring down."""
    with running_server(tmp_path) as server:
        yield server


@dataclass
class LimitedFiles:
    """The server's processes for one database, whose files may not grow beyond some bytes."""

    server: Server
    engine: Engine
    bytes_max: str = UNLIMITED
    pids: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if shutil.which("prlimit") is None:
            pytest.skip("there is no prlimit on this system")

        @event.listens_for(self.engine, "connect")
        def limit(connection: Any, _record: Any) -> None:
            with self.lock:
                self.pids.add(connection.info.backend_pid)
                self._limit(connection.info.backend_pid)

    def fill(self, bytes_max: str = "0") -> None:
        with self.lock:
            self.bytes_max = bytes_max
            for pid in self.pids:
                self._limit(pid)

    def clear(self) -> None:
        self.fill(UNLIMITED)

    def _limit(self, pid: int) -> None:
        """The soft limit alone, which the processes' own account may change both ways."""
        owner = data_directory(self.server.state_dir).stat()
        command = ["prlimit", f"--pid={pid}", f"--fsize={self.bytes_max}:"]
        account: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        run = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            **(account if os.geteuid() == 0 else {}),
        )
        assert run.returncode == 0 or "No such process" in run.stderr, run.stderr


@dataclass
class SmallFileSystem:
    """A file system in memory, filled to its last block."""

    folder: Path

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        with self.ballast.open("wb", buffering=0) as file:
            for size in (2**20, 2**12):
                while True:
                    try:
                        file.write(bytes(size))
                    except OSError:
                        break

    def clear(self) -> None:
        self.ballast.unlink()


@contextmanager
def small_file_system(folder: Path) -> Iterator[SmallFileSystem]:
    folder.mkdir()
    options = f"size={SMALL_BYTES}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {run.stderr.strip()}")
    try:
        yield SmallFileSystem(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def index_of(bench: Bench, url: str) -> Index:
    """The bench's chain in another database, half of it so far."""
    index = Index(create_engine(url), source_of(bench.node.url))
    transactions = tell(41, 300)
    mine_all(bench.chain, transactions[:60], 41)
    index.follow(bench.chain)
    mine_all(bench.chain, transactions[60:], 42)
    return index


def follow_until(
    index: Index, clear: Callable[[], None], seen: Callable[[], Any], is_done: Callable[[], Any]
) -> None:
    """Lets the indexer follow the chain: on a full disk until it has raised the alarm again and
    again and something is seen, then on one that has space again until it is done."""
    stop, died = threading.Event(), []

    def follow() -> None:
        try:
            index.indexer.follow(stop, 0.01, lambda blocks: None)
        except BaseException as error:
            died.append(error)

    thread = threading.Thread(target=follow)
    with capture_logs() as logs:

        def alarms() -> list[MutableMapping[str, Any]]:
            assert not died, f"the indexer died: {died[0]!r}"
            return [log for log in logs if log["event"] == ALARM]

        thread.start()
        try:
            wait_until(lambda: len(alarms()) >= ALARMS_MIN, "the alarm")
            seen()
            clear()
            wait_until(lambda: alarms() and is_done(), "the end")
        finally:
            stop.set()
            thread.join()
    assert {log["log_level"] for log in alarms()} == {"critical"}


def at_head(index: Index, bench: Bench) -> Callable[[], bool]:
    def is_at_head() -> bool:
        try:
            return index.stands_at(bench.chain)
        except OperationalError:  # the server still recovers
            return False

    return is_at_head


@pytest.fixture
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.runner.FAILURE_PAUSE_SECONDS", 0.02)


@dataclass
class Seen:
    """Where an index stood while the disk was full, and the digest of what it held."""

    index: Index
    stood_at: int = -1
    digest: str = ""

    def see(self) -> None:
        at_once = self.index.engine.execution_options(isolation_level="REPEATABLE READ")
        with at_once.connect() as connection:
            cursor = read_cursor(connection)
            assert cursor is not None
            self.stood_at, self.digest = cursor.at.block_number, digest_of_ledger(connection)


def require_whole_prefix(bench: Bench, seen: Seen) -> None:
    """What was seen is what a replay has up to that block; in the end it is the replay."""
    assert 0 < seen.stood_at < bench.chain.head.number
    bench.index.follow(bench.chain)
    with bench.index.connect() as connection:
        assert digest_of_ledger(connection, seen.stood_at) == seen.digest
    assert bench.index.digest() == seen.index.digest()


@pytest.mark.usefixtures("brief_pauses")
def test_files_that_may_not_grow(bench: Bench, own_server: Server) -> None:
    """Of every table, from any row on; the write-ahead log is written by another process."""
    url = own_server.copy()
    own_server.execute(f'ALTER DATABASE "{name_of(url)}" SET synchronous_commit = off')
    index = index_of(bench, url)
    files = LimitedFiles(own_server, index.engine)
    index.engine.dispose()
    files.fill()
    seen = Seen(index)
    follow_until(index, files.clear, seen.see, at_head(index, bench))
    require_whole_prefix(bench, seen)
    index.engine.dispose()


def name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@pytest.mark.usefixtures("brief_pauses")
def test_a_file_system_that_is_full(bench: Bench, own_server: Server, tmp_path: Path) -> None:
    with small_file_system(tmp_path / "small") as small:
        space = small.folder / "space"
        space.mkdir()
        owner = data_directory(own_server.state_dir).stat()
        os.chown(space, owner.st_uid, owner.st_gid)
        own_server.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        own_server.execute(f'CREATE DATABASE full_disk TEMPLATE "{TEMPLATE}" TABLESPACE small')
        index = index_of(bench, own_server.at("full_disk"))
        small.fill()
        seen = Seen(index)
        follow_until(index, small.clear, seen.see, at_head(index, bench))
        require_whole_prefix(bench, seen)
        index.engine.dispose()
        own_server.execute("DROP DATABASE full_disk WITH (FORCE)")
        own_server.execute("DROP TABLESPACE small")


@pytest.mark.usefixtures("brief_pauses")
def test_a_write_ahead_log_that_may_not_grow(bench: Bench, own_server: Server) -> None:
    """At COMMIT the server cannot write what it must: it ends all connections and recovers."""
    index = index_of(bench, own_server.copy())
    files = LimitedFiles(own_server, index.engine)
    index.engine.dispose()
    while wal_offset_bytes(own_server) not in WAL_OFFSETS_BYTES:
        own_server.execute("SELECT pg_logical_emit_message(false, '', repeat(' ', 1048576))")
    files.fill(GROWN_BYTES_MAX)
    follow_until(index, files.clear, lambda: None, at_head(index, bench))
    assert "PANIC" in (own_server.state_dir / "postgres.log").read_text()
    assert index.digest() == bench.replayed()
    index.engine.dispose()


def wal_offset_bytes(server: Server) -> int:
    engine = create_engine(server.url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT pg_current_wal_insert_lsn() - '0/0'")).scalar_one()
    engine.dispose()
    return int(found) % WAL_SEGMENT_BYTES


@pytest.mark.usefixtures("brief_pauses")
def test_a_halt_that_cannot_be_written_down(bench: Bench, own_server: Server) -> None:
    """The indexer stands still all the same, and the halt is written when there is space."""
    url = own_server.copy()
    own_server.execute(f'ALTER DATABASE "{name_of(url)}" SET synchronous_commit = off')
    index = index_of(bench, url)
    index.follow(bench.chain)
    before, blocks = index.digest(), bench.chain.head.number
    bench.chain.take_back(blocks)
    for _ in range(blocks):
        bench.chain.mine()
    files = LimitedFiles(own_server, index.engine)
    index.engine.dispose()
    files.fill()

    def halts() -> list[Any]:
        with index.connect() as connection:
            return list(connection.execute(text("SELECT reason FROM indexing.halt")).scalars())

    follow_until(index, files.clear, lambda: None, halts)
    [reason] = halts()
    assert "Nothing was changed" in reason
    assert index.digest() == before
    index.engine.dispose()
