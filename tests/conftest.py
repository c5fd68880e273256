"""One real node for the session, and a world on it; databases and chains of a test's own."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest
from sqlalchemy import create_engine, text

from node.config import Settings
from node.db import owner_engine
from node.embedded import supervisor
from node.embedded.supervisor import Supervisor, free_port
from tests.geth import start_geth
from tests.own_chain import (
    OwnChain,
    OwnDatabase,
    at_database,
    open_own_chain,
    open_own_database,
    without_fsync,
)
from tests.stage import EXAMPLES, Node, World, build_world, wait_until

FINALITY_BLOCKS = 3


def pytest_configure() -> None:
    """Whoever ends a run by a signal ends what it has started, too; and no example fails for having
    been slow, on a machine that does other work besides."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def live_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A whole node as `ptx-ledger run` starts it, on a state directory and ports of its own."""
    with pytest.MonkeyPatch.context() as environment:
        if os.environ.get("PTX_TEST_CHAIN") == "geth":
            environment.setattr(supervisor, "start_chain", start_geth)
        for name in [*os.environ]:
            setting = name.startswith("PTX_") or name in ("DATABASE_URL", "CHAIN_URL")
            if setting and name not in ("PTX_SAMPLES", "PTX_CHAIN_HARDFORK", "PTX_SEED"):
                environment.delenv(name)
        environment.setenv("PTX_BATCH_SECONDS", "0.1")
        for limit in ("ADDRESS", "LEARNERS", "GUESSES"):  # the suite is one caller
            environment.setenv(f"PTX_RATE_{limit}_PER_MINUTE", "10000000")
        settings = Settings(
            state_dir=tmp_path_factory.mktemp("node"),
            port=free_port("127.0.0.1", 0),
            chain_port=free_port("127.0.0.1", 0),
            finality_blocks=FINALITY_BLOCKS,
        )
        with Supervisor(settings, print).started() as running:
            complete = settings.model_copy(
                update={
                    "chain_url": running.chain_url,
                    "database_url": running.database_url,
                    "deployment_path": settings.deployment_file,
                }
            )
            without_fsync(running.database_url)
            engine = owner_engine(running.database_url)
            yield Node(complete, running, engine)
            engine.dispose()


@pytest.fixture(scope="session")
def world(live_node: Node) -> World:
    """Two organisations with an agreement in force and a deposit, on the session's node."""
    return build_world(live_node)


@pytest.fixture
def at_rest(world: World) -> World:
    """The world with nothing on its way: what counts afterwards is the test's own doing."""

    def idle() -> bool:
        ready = httpx.get(f"{world.node.url}/readyz").status_code == 200
        return ready and world.node.open_acts() == 0

    wait_until(idle, "an empty outbox")
    return world


@pytest.fixture
def secret() -> bytes:
    """A learner's one-time key."""
    return secrets.token_bytes(32)


@pytest.fixture(scope="session")
def new_database(live_node: Node) -> Callable[[], str]:
    """Makes an empty database in the session's server and gives its address."""
    server = live_node.running.database_url

    def create() -> str:
        name = f"test_{secrets.token_hex(6)}"
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return at_database(server, name)

    return create


@pytest.fixture(scope="session")
def examples() -> Path:
    """The project's own Prometheus-X documents."""
    return EXAMPLES


@pytest.fixture(scope="session")
def shared_chain(
    live_node: Node, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnChain]:
    """A second chain, for tests that take blocks back or stop the sender half-way."""
    folder = tmp_path_factory.mktemp("own-chain")
    with open_own_chain(folder, live_node.running.database_url, new_database) as chain:
        yield chain


@pytest.fixture
def own_chain(shared_chain: OwnChain) -> Iterator[OwnChain]:
    """The second chain; what the test does to it is undone."""
    with shared_chain.taken_back():
        yield shared_chain


@pytest.fixture
def own_database(own_chain: OwnChain) -> Iterator[OwnDatabase]:
    """A database of the test's own, migrated and empty."""
    database = open_own_database(own_chain)
    yield database
    database.owner.dispose()
