"""`ptx-ledger run`: starts what is missing, watches it, and stops all of it together."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import httpx

from node.config import PROJECT_ROOT, Settings
from node.embedded.chain import HOST as CHAIN_HOST
from node.embedded.chain import start_chain
from node.embedded.postgres import database_url, start_postgres
from node.embedded.processes import RecordedProcess, Running, end_process
from node.serve import SERVICES

READY_TIMEOUT_SECONDS = 30.0
COMPLAINT_LINES_MAX = 15
STOP_ORDER = ("api", "webhooks", "sender", "indexer", "chain", "postgres")


class AlreadyRunning(Exception):
    """Another supervisor holds this state directory."""


class ServiceDied(Exception):
    """A supervised process ended by itself."""


class Supervisor:
    """One running node on this machine."""

    def __init__(
        self, settings: Settings, say: Callable[[str], None], host_of_pages: str | None = None
    ) -> None:
        """`host_of_pages` is the name under which people open its pages, where no public address is
        set: browsers make passkeys for a name, never for a number."""
        self._settings = settings
        self._host_of_pages = host_of_pages or settings.host
        self._say = say
        self._children: list[tuple[RecordedProcess, subprocess.Popen[bytes]]] = []
        self._starting = threading.Lock()
        self.running = Running("", "", "", "")

    @contextmanager
    def started(self) -> Iterator[Running]:
        """Everything up and ready inside the block, everything gone after it."""
        self._settings.log_dir.mkdir(parents=True, exist_ok=True)
        with exclusive_state(self._settings):
            self._end_orphans()
            try:
                self._start_all()
                yield self.running
            finally:
                self._stop_all()

    def watch(self, stop: threading.Event) -> None:
        """Waits until told to stop; raises ServiceDied if a process ends by itself."""
        while not stop.wait(0.2):
            self._require_alive()

    def _require_alive(self) -> None:
        for record, process in self._children:
            if process.poll() is not None:
                log = self._log_file(record.name)
                raise ServiceDied(
                    f"{record.name} ended with status {process.returncode}; see {log}"
                    + "".join(f"\n{line}" for line in last_complaints(log))
                )

    def _end_orphans(self) -> None:
        before = Running.load(self._settings.running_file)
        if before is not None:
            for process in sorted(before.processes, key=_place_in_stop_order):
                if process.is_running():
                    self._say(f"ending {process.name}, left over from a run that was killed")
                end_process(process)
            self._settings.running_file.unlink(missing_ok=True)

    def _start_all(self) -> None:
        settings = self._settings
        port = self._free_port(settings.host, settings.port, "PTX_PORT")
        self.running.api_url = f"http://{settings.host}:{port}"
        self.running.public_url = settings.public_url or f"http://{self._host_of_pages}:{port}"
        chain_port = settings.chain_port
        if settings.embedded_chain:
            chain_port = self._free_port(CHAIN_HOST, chain_port, "PTX_CHAIN_PORT")
        self.running.chain_url = settings.chain_url or f"http://{CHAIN_HOST}:{chain_port}"
        self.running.database_url = settings.database_url or database_url(settings.state_dir)
        resolved = settings.model_copy(
            update={
                "chain_url": self.running.chain_url,
                "database_url": self.running.database_url,
                "deployment_path": settings.deployment_file,
                "port": port,
                "public_url": self.running.public_url,
            }
        )
        if settings.embedded_chain:
            resolved = for_trying_out(resolved)
        with ThreadPoolExecutor(3) as pool:
            starts = [pool.submit(self._load_services, resolved)]
            if settings.embedded_database:
                starts.append(pool.submit(self._start_postgres))
            if settings.embedded_chain:
                starts.append(pool.submit(self._start_chain, chain_port))
            from node.preparation import prepare_node  # loads meanwhile

            for start in starts:
                start.result()
        prepare_node(resolved, resolved.public_address, settings.embedded_chain, self._say)
        for _, process in self._children:
            if process.stdin is not None:
                process.stdin.write(b"go\n")
                process.stdin.close()
        self._wait_until_ready()

    def _start_postgres(self) -> None:
        process = start_postgres(self._settings.state_dir, self._log_file("postgres"))
        self._adopt("postgres", process, signal.SIGINT)

    def _start_chain(self, port: int) -> None:
        settings = self._settings
        log = self._log_file("chain")
        process = start_chain(
            settings.state_dir, port, settings.chain_id, settings.chain_hardfork, log
        )
        self._adopt("chain", process, signal.SIGTERM)

    def _load_services(self, settings: Settings) -> None:
        """Lets the processes load their modules while database and chain come up."""
        for name in SERVICES:
            self._load_service(name, settings)

    def _load_service(self, name: str, settings: Settings) -> None:
        environment = {**os.environ, **settings.as_environment()}
        with self._log_file(name).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "node.serve", name, "--wait"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=environment,
                cwd=PROJECT_ROOT,
            )
        self._adopt(name, process, signal.SIGTERM)

    def _adopt(self, name: str, process: subprocess.Popen[bytes], stop_signal: int) -> None:
        record = RecordedProcess.of(name, process, stop_signal)
        with self._starting:
            self._children.append((record, process))
            self.running.processes.append(record)
            self.running.save(self._settings.running_file)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not _answers_ready(self.running.api_url):
            self._require_alive()
            if time.monotonic() > deadline:
                raise ServiceDied(
                    f"{self.running.api_url}/readyz did not turn ready in "
                    f"{READY_TIMEOUT_SECONDS:.0f} s; see {self._settings.log_dir}"
                )
            time.sleep(0.05)

    def _stop_all(self) -> None:
        for record, process in sorted(
            self._children, key=lambda child: _place_in_stop_order(child[0])
        ):
            end_process(record)
            process.wait()
        self._settings.running_file.unlink(missing_ok=True)

    def _free_port(self, host: str, wanted: int, variable: str) -> int:
        port = free_port(host, wanted)
        if wanted not in (port, 0):
            self._say(f"port {wanted} is taken, using {port} ({variable} chooses another)")
        return port

    def _log_file(self, name: str) -> Path:
        return self._settings.log_dir / f"{name}.log"


@contextmanager
def exclusive_state(settings: Settings) -> Iterator[IO[str]]:
    """Inside the block nobody else runs anything on the state directory. Raises AlreadyRunning."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = Running.load(settings.running_file)
            where = f" at {running.api_url}" if running else ""
            raise AlreadyRunning(
                f"A node already runs{where} on {settings.state_dir.resolve()}: use it, "
                "stop it with Ctrl-C where it was started, or set PTX_STATE_DIR."
            ) from None
        yield lock


@contextmanager
def servers_alone(settings: Settings) -> Iterator[Settings]:
    """The database and the chain that the node brings with it, without the node: gone after the
    block. Those that are named elsewhere are left alone. Raises AlreadyRunning."""
    with exclusive_state(settings), ExitStack() as ending:
        settings.log_dir.mkdir(parents=True, exist_ok=True)
        updates: dict[str, object] = {"deployment_path": settings.deployment_file}
        if settings.embedded_database:
            log = settings.log_dir / "postgres.log"
            process = start_postgres(settings.state_dir, log)
            ending.callback(_end, process, signal.SIGINT)
            updates["database_url"] = database_url(settings.state_dir)
        if settings.embedded_chain:
            port = free_port(CHAIN_HOST, settings.chain_port)
            log = settings.log_dir / "chain.log"
            process = start_chain(
                settings.state_dir, port, settings.chain_id, settings.chain_hardfork, log
            )
            ending.callback(_end, process, signal.SIGTERM)
            updates["chain_url"] = f"http://{CHAIN_HOST}:{port}"
        yield settings.model_copy(update=updates)


def _end(process: subprocess.Popen[bytes], stop_signal: int) -> None:
    end_process(RecordedProcess.of("", process, stop_signal))
    process.wait()


def for_trying_out(settings: Settings) -> Settings:
    """On a chain of its own nobody else makes blocks: each is final for the feed and for a refusal,
    else an idle chain would never tell its last events, nor what has failed. Webhooks may go to
    this machine."""
    return settings.model_copy(
        update={
            "event_finality_blocks": settings.event_finality_blocks or 0,
            "refusal_finality_blocks": settings.refusal_finality_blocks or 0,
            "webhook_private_addresses": True,
        }
    )


def last_complaints(log: Path) -> list[str]:
    """The last lines of a log that do not report that all goes well."""
    lines = log.read_text(errors="replace").splitlines()[-COMPLAINT_LINES_MAX:]
    return [line for line in lines if '"level": "info"' not in line]


def _place_in_stop_order(process: RecordedProcess) -> int:
    return STOP_ORDER.index(process.name)


def _answers_ready(api_url: str) -> bool:
    try:
        return httpx.get(f"{api_url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def free_port(host: str, wanted: int) -> int:
    """The wanted port if nothing listens there, else one that the system picks."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no port is free on {host}")
