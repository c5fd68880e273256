"""Indexes of scripted chains."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from indexer import tables
from indexer.chain import Chain
from indexer.cursor import read_cursor, read_proven
from indexer.reading import ChainMoved
from indexer.runner import TRANSIENT, Indexer, Source
from indexer.verify import digest_of_ledger
from node.embedded.postgres import database_url, start_postgres
from node.migrate import migrate
from tests.indexer.scripted_chain import ADDRESSES, CHAIN_ID, WINDOW_BLOCKS, ScriptedChain
from tests.indexer.scripted_node import ScriptedNode, serve
from tests.own_chain import without_fsync

TEMPLATE = "migrated"
EMPTY = ";".join(
    [
        *(f"DELETE FROM {table.fullname}" for table in tables.metadata.sorted_tables),
        "SELECT indexing.build_lookups()",
    ]
)
ATTEMPTS_MAX = 60


@dataclass
class Index:
    """A database and the indexer that fills it."""

    engine: Engine
    source: Source

    def __post_init__(self) -> None:
        self.indexer = Indexer(self.engine, self.source)

    def restarted(self) -> Indexer:
        """Another indexer on the same database, which remembers nothing."""
        self.indexer = Indexer(self.engine, self.source)
        return self.indexer

    def reach(self, chain: ScriptedChain) -> str:
        """Follows to the chain's head; its digest."""
        self.follow(chain)
        return self.digest()

    def follow(self, chain: ScriptedChain) -> None:
        """Steps until it stands at the chain's head, whatever the node does."""
        for _ in range(ATTEMPTS_MAX):
            try:
                self.indexer.step()
            except TRANSIENT:
                continue
            if self.stands_at(chain):
                return
        raise ChainMoved(f"not at block {chain.head.number} after {ATTEMPTS_MAX} attempts")

    def prove(self, chain: ScriptedChain) -> str:
        """The same until every block is proven; its digest."""
        for _ in range(ATTEMPTS_MAX):
            self.follow(chain)
            if not self.indexer.prove() and self.proven == chain.head.number:
                return self.digest()
        raise ChainMoved(f"block {self.proven} is proven after {ATTEMPTS_MAX} turns")

    @property
    def proven(self) -> int:
        with self.engine.connect() as connection:
            proven = read_proven(connection)
        return 0 if proven is None else proven.block_number

    def stands_at(self, chain: ScriptedChain) -> bool:
        with self.engine.connect() as connection:
            cursor = read_cursor(connection)
        return cursor is not None and "0x" + cursor.at.block_hash.hex() == chain.head.hash

    def digest(self) -> str:
        with self.engine.connect() as connection:
            return digest_of_ledger(connection)

    def connect(self) -> Connection:
        return self.engine.connect()


@dataclass
class Bench:
    """Makes indexes of one scripted node."""

    chain: ScriptedChain
    node: ScriptedNode
    index: Index
    make_index: Callable[[str], Index]
    replays: dict[str, str]

    def replayed(self) -> str:
        """What an index made from nothing by a node without faults says; once for each history,
        which the hash of its head stands for."""
        head = self.chain.head.hash
        if head not in self.replays:
            with serve(self.chain) as node:
                index = self.make_index(node.url)
                self.replays[head] = index.reach(self.chain)
                index.engine.dispose()
        return self.replays[head]


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server of these tests alone, with a migrated database to copy."""

    url: str
    state_dir: Path
    emptied: list[str] = field(default_factory=list)

    def lend(self) -> str:
        """The address of an empty database: one that was given back, or else a new copy."""
        return self.emptied.pop() if self.emptied else self.copy()

    def give_back(self, url: str) -> None:
        """Empties a database to which nobody is connected; to copy one takes much longer."""
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(EMPTY))
        engine.dispose()
        self.emptied.append(url)

    def copy(self, template: str = TEMPLATE) -> str:
        """The address of a new copy of a database."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.at(name)

    def at(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A PostgreSQL server with a migrated database; what it holds ends with it."""
    process = start_postgres(folder, folder / "postgres.log")
    try:
        found = Server(database_url(folder), folder)
        without_fsync(found.url)
        found.execute(f"CREATE DATABASE {TEMPLATE}")
        engine = create_engine(found.at(TEMPLATE))
        migrate(engine)
        engine.dispose()
        yield found
    finally:
        process.send_signal(signal.SIGQUIT)  # nobody needs what it holds
        process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one that the tests of scripted chains share."""
    with running_server(tmp_path_factory.mktemp("index-server")) as server:
        yield server


@pytest.fixture
def make_index(server: Server) -> Iterator[Callable[[str], Index]]:
    """Makes an empty index of what a node serves."""
    engines = []

    def make(url: str) -> Index:
        engine = create_engine(server.lend())
        engines.append(engine)
        return Index(engine, source_of(url))

    yield make
    for engine in engines:
        engine.dispose()
        server.give_back(engine.url.render_as_string(hide_password=False))


@pytest.fixture(scope="session")
def replays() -> dict[str, str]:
    """From the hash of a scripted chain's head to the digest of its replay."""
    return {}


@pytest.fixture
def bench(make_index: Callable[[str], Index], replays: dict[str, str]) -> Iterator[Bench]:
    """An empty scripted chain, its node, and an index of it."""
    chain = ScriptedChain()
    with serve(chain) as node:
        yield Bench(chain, node, make_index(node.url), make_index, replays)


def source_of(url: str) -> Source:
    """What is indexed of a node that serves a scripted chain."""
    return Source(Chain(url), dict(ADDRESSES), 1, CHAIN_ID, WINDOW_BLOCKS)


def elsewhere(index: Index, url: str) -> Indexer:
    """The same database's indexer on another node."""
    return Indexer(index.engine, replace(index.source, chain=Chain(url)))
