"""How fast the chain becomes SQL: events beside Ponder, on the same chain and the same PostgreSQL.

Every run is a process of its own with an empty database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from node.bench.dense_chain import open_dense_chain
from node.bench.figures import Figure, measured
from node.bench.follower_runs import MEBIBYTE, Run, Server, new_database, run_follower
from node.bench.ponder import FINALITY_BLOCKS, measure_ponder

SECTION = "index"
EVENTS = 500_000


def measure_indexing(folder: Path, server: Server) -> Iterator[Figure]:
    """Events beside Ponder."""
    with open_dense_chain(folder) as chain:
        filling = chain.end_leaves(EVENTS)
        chain.add_empty_blocks(FINALITY_BLOCKS)
        theirs = measure_ponder(chain.url, chain.registry, filling, server.url, folder)
        with new_database(server) as url:
            ours = run_follower(chain, folder, url, server)
        assert ours.endings == EVENTS, ours
    rate = EVENTS / ours.seconds
    yield from settings_of(SECTION, ours)
    yield measured(SECTION, "Ponder's database: fsync", theirs.fsync)
    yield measured(SECTION, "Ponder's database: synchronous_commit", theirs.synchronous_commit)
    yield measured(SECTION, "events indexed", rate, "a second", "≥ 100,000")
    yield measured(SECTION, "by Ponder 0.16.10", theirs.indexing_rate, "a second")
    yield measured(SECTION, "times as fast as Ponder", rate / theirs.indexing_rate, "", "≥ 20")
    yield measured(SECTION, "processor time an event", _micro(ours.cpu_seconds), "µs")
    yield measured(SECTION, "the database's, an event", _micro(ours.database_cpu_seconds), "µs")
    yield measured(SECTION, "Ponder's, an event", _micro(theirs.cpu_seconds), "µs")
    yield measured(SECTION, "memory at most", ours.peak_bytes / MEBIBYTE, "MiB", "≤ 500")
    yield measured(SECTION, "Ponder's memory at most", theirs.peak_bytes / MEBIBYTE, "MiB")


def settings_of(section: str, run: Run) -> Iterator[Figure]:
    """Under which settings of the database a run was measured; no table is unlogged."""
    for name, value in run.durability.items():
        yield measured(section, f"the database: {name}", value)


def _micro(seconds: float) -> float:
    return 1e6 * seconds / EVENTS
