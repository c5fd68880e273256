"""The index follows a chain that changes its mind, and a death at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from indexer.cursor import AnotherChain, read_cursor
from indexer.reorg import ReorganisationTooDeep
from indexer.rows import Rows
from indexer.runner import Indexer
from indexer.verify import digest_of_ledger, digest_tables, rebuild
from node.config import PROJECT_ROOT
from node.db import owner_engine
from tests.indexer.feed_reader import FeedReader
from tests.own_chain import OwnChain, OwnDatabase, open_own_database, run_until_idle
from tests.stage import wait_until

DEPTHS = (1, 2, 3, 4, 5)


def at_head(indexer: Indexer, database: OwnDatabase) -> str:
    """Steps until the index stands at the chain's head; its digest."""

    def arrived() -> bool:
        indexer.step()
        head = database.chain.web3.eth.get_block("latest")
        with database.owner.connect() as connection:
            cursor = read_cursor(connection)
        return cursor is not None and cursor.at.block_hash == bytes(head["hash"])

    wait_until(arrived, "the head of the chain")
    return digest(database)


def digest(database: OwnDatabase) -> str:
    with database.owner.connect() as connection:
        return digest_of_ledger(connection)


def fresh_digest(chain: OwnChain) -> str:
    """What an index made from nothing says."""
    database = open_own_database(chain)
    database.indexer().catch_up()
    found = digest(database)
    database.owner.dispose()
    return found


def anchor(database: OwnDatabase, times: int) -> None:
    for _ in range(times):
        database.promise_anchor()
        run_until_idle(database.sender())


def forget_acts(database: OwnDatabase) -> None:
    """So that the other branch gets other transactions than the first."""
    database.sql("DELETE FROM node.outbox")
    database.sql("DELETE FROM node.attempts")
    database.sql("DELETE FROM node.transactions")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("longer_by", [0, 2], ids=["as long", "longer"])
def test_a_reorganisation_leaves_no_trace(
    own_chain: OwnChain, own_database: OwnDatabase, depth: int, longer_by: int
) -> None:
    anchor(own_database, 2)
    indexer = own_database.indexer()
    before = at_head(indexer, own_database)
    with own_chain.taken_back():
        anchor(own_database, depth)
        forked = at_head(indexer, own_database)
        assert forked != before
    forget_acts(own_database)
    anchor(own_database, depth + longer_by)
    after = at_head(indexer, own_database)
    assert after not in (before, forked)
    assert after == fresh_digest(own_chain)


@pytest.mark.parametrize("depth", [1, 4])
def test_a_chain_that_comes_back_shorter_shortens_the_index(
    own_chain: OwnChain, own_database: OwnDatabase, depth: int
) -> None:
    anchor(own_database, 1)
    indexer = own_database.indexer()
    before = at_head(indexer, own_database)
    with own_chain.taken_back():
        anchor(own_database, depth)
        assert at_head(indexer, own_database) != before
    assert at_head(indexer, own_database) == before == fresh_digest(own_chain)


def test_a_node_that_lags_for_a_moment_takes_nothing_back(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    indexer = own_database.indexer()
    with own_chain.taken_back():
        anchor(own_database, 2)
        longest = at_head(indexer, own_database)
    assert indexer.step() == 0
    assert digest(own_database) == longest


def test_a_reorganisation_beyond_the_window_is_never_guessed(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    indexer = own_database.indexer()
    at_head(indexer, own_database)
    own_database.sql("UPDATE indexing.recent_blocks SET block_hash = sha256(block_hash)")
    own_database.sql("UPDATE indexing.cursor SET block_hash = sha256(block_hash)")
    with pytest.raises(ReorganisationTooDeep, match="index rebuild"):
        indexer.step()


def test_another_chain_is_refused(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    indexer = own_database.indexer()
    indexer.catch_up()
    source = own_chain.source()
    other_id = replace(source, chain_id=1)
    engine = owner_engine(own_database.url)
    with pytest.raises(AnotherChain, match="chain id"):
        Indexer(engine, other_id).catch_up()
    engine.dispose()
    own_database.sql("UPDATE indexing.cursor SET genesis_hash = sha256('another')")
    with pytest.raises(AnotherChain, match="genesis"):
        indexer.catch_up()


def test_a_digest_sees_every_change(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    anchor(own_database, 1)
    before = at_head(own_database.indexer(), own_database)
    with own_database.owner.connect() as connection:
        tables = digest_tables(connection)
    own_database.sql(
        "UPDATE ledger.leaves SET leaf = sha256(leaf)"
        " WHERE leaf_index = (SELECT max(leaf_index) FROM ledger.leaves)"
    )
    assert digest(own_database) != before
    with own_database.owner.connect() as connection:
        changed = {
            name for name, value in digest_tables(connection).items() if value != tables[name]
        }
    assert changed == {"leaves"}


# -- death at any moment ---------------------------------------------------------------------------


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.deep)])
def test_a_kill_between_ranges_loses_and_doubles_nothing(
    own_chain: OwnChain, own_database: OwnDatabase, kills: int
) -> None:
    """A process of its own, killed with -9 at random points of the back-fill."""
    own_chain.rpc("anvil_mine", hex(2_500))
    anchor(own_database, 2)
    environment = {
        **os.environ,
        "PTX_STATE_DIR": str(own_chain.settings.state_dir),
        "PTX_DEPLOYMENT_PATH": str(own_chain.settings.deployment_file),
        "PTX_CHAIN_ID": str(own_chain.settings.chain_id),
        "DATABASE_URL": own_database.url,
        "CHAIN_URL": str(own_chain.settings.chain_url),
    }
    head = own_chain.web3.eth.block_number
    for target in sorted(random.sample(range(1, head), kills)):
        process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", "serve", "indexer"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda goal=target: reached(own_database) >= goal, f"block {target}")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert at_head(own_database.indexer(), own_database) == fresh_digest(own_chain)


def reached(database: OwnDatabase) -> int:
    rows = database.sql("SELECT block_number FROM indexing.cursor")
    return int(rows[0].block_number) if rows else -1


# -- rebuild and a second indexer ------------------------------------------------------------------


def test_a_rebuild_gives_the_same_digest(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    anchor(own_database, 2)
    before = at_head(own_database.indexer(), own_database)
    engine = owner_engine(own_database.url)
    steps: list[int] = []
    assert rebuild(engine, own_chain.source(), steps.append) == (before, before)
    assert sum(steps) > 0
    engine.dispose()


def test_rebuilds_beside_a_running_indexer_change_nothing_that_anybody_sees(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    """Neither the digest nor the feed: who has read all is told nothing, however often it is."""
    anchor(own_database, 2)
    indexer, stop = own_database.indexer(), threading.Event()
    before = at_head(indexer, own_database)
    thread = threading.Thread(target=indexer.follow, args=(stop, 0.02, lambda blocks: None))
    thread.start()
    engine = owner_engine(own_database.url)
    reader = FeedReader(own_database.owner)
    assert reader.read_all()
    try:
        with capture_logs() as logs:
            for _ in range(3):
                assert rebuild(engine, own_chain.source(), lambda blocks: None) == (before, before)
    finally:
        stop.set()
        thread.join(10)
        engine.dispose()
    assert reader.read_all() == []
    assert [log["event"] for log in logs if log["log_level"] == "critical"] == []


def test_a_rebuild_gives_the_same_digest_while_the_chain_goes_on(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    anchor(own_database, 2)
    before = at_head(own_database.indexer(), own_database)
    engine, acts = owner_engine(own_database.url), []

    def act_once(blocks: int) -> None:
        if not acts:
            acts.append(blocks)
            anchor(own_database, 1)

    assert rebuild(engine, own_chain.source(), act_once) == (before, before)
    assert digest(own_database) != before
    engine.dispose()


def test_a_rebuild_waits_for_the_range_that_is_being_written(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor(own_database, 2)
    before = at_head(own_database.indexer(), own_database)
    anchor(own_database, 1)
    indexer = own_database.indexer()
    copy_to, engine = Rows.copy_to, owner_engine(own_database.url)
    rebuilt: list[tuple[str, str]] = []
    thread = threading.Thread(
        target=lambda: rebuilt.append(rebuild(engine, own_chain.source(), lambda blocks: None))
    )

    def copy_while_rebuilding(rows: Rows, connection: Connection) -> None:
        monkeypatch.undo()
        copy_to(rows, connection)
        thread.start()
        blocked = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        blocked += " WHERE NOT l.granted AND d.datname = current_database()"
        blocked += " UNION ALL SELECT 1 FROM pg_stat_activity"
        blocked += " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        wait_until(lambda: own_database.sql(blocked), "a rebuild that waits")

    monkeypatch.setattr(Rows, "copy_to", copy_while_rebuilding)
    indexer.step()
    thread.join(30)
    [(old, new)] = rebuilt
    assert old == new != before
    assert digest(own_database) == fresh_digest(own_chain)
    engine.dispose()


def test_a_second_indexer_waits_for_the_first(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    steps: list[list[int]] = [[], []]
    stops = [threading.Event(), threading.Event()]
    threads = [
        threading.Thread(target=own_database.indexer().follow, args=(stop, 0.02, seen.append))
        for stop, seen in zip(stops, steps, strict=True)
    ]
    try:
        threads[0].start()
        wait_until(lambda: steps[0], "the first indexer")
        threads[1].start()
        seen = len(steps[0])
        wait_until(lambda: len(steps[0]) > seen + 5, "more steps of the first")
        assert steps[1] == []
        stops[0].set()
        wait_until(lambda: steps[1], "the second indexer's turn")
    finally:
        for stop in stops:
            stop.set()
        for thread in threads:
            thread.join(10)
