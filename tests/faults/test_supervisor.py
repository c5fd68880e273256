"""`ptx-ledger run` through everything that may happen to it, on one state directory.

The tests tell one story in their order: each begins with the state that the one before left.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import create_engine, text

from node.config import PROJECT_ROOT, Settings
from node.contracts import load_deployment
from node.embedded.processes import Running
from node.embedded.supervisor import free_port
from node.wallet import connect_chain
from protocol.identifiers import organisation_id
from tests.stage import wait_until

START_SECONDS = 90
PROCESSES = {"postgres", "chain", "indexer", "sender", "webhooks", "api"}


@dataclass
class House:
    """One state directory and the node that runs on it now, if any."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Running:
        with self.log.open("wb") as output:
            self.process = self.run(stdout=output, stderr=subprocess.STDOUT)
        started = wait_until(self._ready, "a ready node", START_SECONDS)
        assert {entry.name for entry in started.processes} == PROCESSES
        return started

    def run(self, **streams: Any) -> subprocess.Popen[bytes]:
        unset = ("PTX_", "DATABASE_URL", "CHAIN_URL")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(unset)}
        environment |= {
            "PTX_STATE_DIR": str(self.settings.state_dir),
            "PTX_PORT": str(self.settings.port),
            "PTX_CHAIN_PORT": str(self.settings.chain_port),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "node.cli", "run"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            **streams,
        )

    def _ready(self) -> Running | None:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        running = Running.load(self.settings.running_file)
        if running is None or not running.processes:
            return None
        with suppress(httpx.HTTPError, psutil.NoSuchProcess):
            ours = psutil.Process(running.processes[0].pid).ppid() == self.process.pid
            if ours and httpx.get(f"{running.api_url}/readyz").status_code == 200:
                return running
        return None

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def stopped(self) -> int:
        """Waits for the supervisor's end; its status."""
        assert self.process is not None
        return self.process.wait(START_SECONDS)

    def promise(self, running: Running) -> bytes:
        """A leaf that this node has promised to anchor."""
        leaf = secrets.token_bytes(32)
        self.sql(
            running,
            "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload)"
            " VALUES (:organisation, 'anchor', :leaf, :leaf, '{}')",
            organisation=organisation_id(self.settings.operator_did),
            leaf=leaf,
        )
        return leaf

    def sql(self, running: Running, statement: str, **values: Any) -> Any:
        engine = create_engine(running.database_url)
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            rows = result.all() if result.returns_rows else None
        engine.dispose()
        return rows

    def wait_until_on_chain(self, running: Running, leaf: bytes) -> None:
        statement = "SELECT 1 FROM ledger.leaves WHERE leaf = :leaf"
        wait_until(lambda: self.sql(running, statement, leaf=leaf), "the leaf on chain")

    def times_on_chain(self, running: Running, leaf: bytes) -> int:
        web3 = connect_chain(self.settings.model_copy(update={"chain_url": running.chain_url}))
        deployment = load_deployment(self.settings.deployment_file)
        events = deployment.contract(web3, "ConsentRegistry").events.LeavesAnchored()
        found = events.get_logs(from_block=0)
        return sum(list(event["args"]["leaves"]).count(leaf) for event in found)


def all_pids(running: Running) -> set[int]:
    """The recorded processes and whatever they have started."""
    pids = {entry.pid for entry in running.processes}
    for pid in list(pids):
        with suppress(psutil.NoSuchProcess):
            pids |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return pids


def alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    settings = Settings(
        state_dir=folder / "state",
        port=free_port("127.0.0.1", 0),
        chain_port=free_port("127.0.0.1", 0),
    )
    house = House(settings, folder / "run.log")
    yield house
    if house.process is not None and house.process.poll() is None:
        house.process.send_signal(signal.SIGINT)
        house.process.wait(START_SECONDS)
    left = Running.load(settings.running_file)
    if left is not None:
        for entry in left.processes:
            if entry.is_running():
                os.killpg(entry.pid, signal.SIGKILL)


def test_a_killed_supervisor_leaves_orphans_that_the_next_run_ends(house: House) -> None:
    running = house.start()
    deployed = load_deployment(house.settings.deployment_file)
    key = house.settings.api_key_file.read_text()
    kept = house.promise(running)
    house.wait_until_on_chain(running, kept)
    assert house.process is not None
    house.process.kill()
    house.stopped()
    orphans = all_pids(running)
    assert alive(orphans) == orphans
    [sender] = [entry for entry in running.processes if entry.name == "sender"]
    os.kill(sender.pid, signal.SIGKILL)
    wait_until(lambda: not alive({sender.pid}), "the end of the sender")
    promised = house.promise(running)

    again = house.start()
    assert alive(orphans) == set()
    for name in PROCESSES - {"sender"}:
        assert f"ending {name}, left over from a run that was killed" in house.said()
    assert load_deployment(house.settings.deployment_file) == deployed
    assert house.settings.api_key_file.read_text() == key
    house.wait_until_on_chain(again, promised)
    assert house.times_on_chain(again, kept) == 1
    assert house.times_on_chain(again, promised) == 1


def test_a_second_run_says_where_the_first_is(house: House) -> None:
    running = Running.load(house.settings.running_file)
    assert running is not None
    second = house.run(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = second.communicate(timeout=START_SECONDS)
    assert second.returncode == 1
    words = " ".join(said.decode().split())
    assert "A node already runs" in words
    assert running.api_url in words
    assert httpx.get(f"{running.api_url}/readyz").status_code == 200


def test_when_everything_dies_at_once_no_promise_is_lost(house: House) -> None:
    """As at a power cut: the chain may come back without its last second."""
    running = Running.load(house.settings.running_file)
    assert running is not None
    leaves = []
    for _ in range(3):
        leaves.append(house.promise(running))
        house.wait_until_on_chain(running, leaves[-1])
    assert house.process is not None
    victims = all_pids(running) | {house.process.pid}
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    house.stopped()
    wait_until(lambda: not alive(victims), "the end of all")

    again = house.start()
    for leaf in leaves:  # the index may still know of blocks that the chain has lost
        wait_until(partial(house.times_on_chain, again, leaf), "the leaf on the chain")
        house.wait_until_on_chain(again, leaf)
        assert house.times_on_chain(again, leaf) == 1
    nonces = [row.nonce for row in house.sql(again, "SELECT nonce FROM node.transactions")]
    assert sorted(nonces) == list(range(min(nonces), min(nonces) + len(nonces)))


@pytest.mark.parametrize(
    "names",
    [("indexer",), ("sender", "api"), pytest.param(("api", "indexer"), marks=pytest.mark.deep)],
)
def test_when_services_die_all_stop_and_one_is_named(house: House, names: tuple[str, ...]) -> None:
    running = Running.load(house.settings.running_file) or house.start()
    pids = all_pids(running)
    assert len(pids) > len(PROCESSES)  # the API has a worker, PostgreSQL several
    for name in names:
        [victim] = [entry for entry in running.processes if entry.name == name]
        os.kill(victim.pid, signal.SIGKILL)
    assert house.stopped() == 1
    assert re.search(rf"({'|'.join(names)}) ended with status -9", house.said())
    assert alive(pids) == set()
    assert not house.settings.running_file.exists()


@pytest.mark.deep
def test_ctrl_c_leaves_no_process(house: House) -> None:
    running = house.start()
    pids = all_pids(running)
    assert len(pids) >= len(PROCESSES)
    assert house.process is not None
    house.process.send_signal(signal.SIGINT)
    assert house.stopped() == 0
    assert alive(pids) == set()
    assert not house.settings.running_file.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.api_url}/healthz")
