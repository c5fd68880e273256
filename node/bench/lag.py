"""How far the index is behind the head, while every second brings a block with 500 leaves."""

from __future__ import annotations

import secrets
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, create_engine

from indexer.cursor import read_cursor
from node.bench.dense_chain import DenseChain, open_dense_chain
from node.bench.figures import Figure, measured
from node.bench.follower_runs import Server, new_database
from node.bench.services import started

SECTION = "index"
BLOCKS = 60
BLOCKS_BEFORE = 5
BLOCK_SECONDS = 1.0
LEAVES_A_BLOCK = 500
LOOK_SECONDS = 0.02

Moment = tuple[float, int]
"""When, in seconds, and the block that was reached then."""


def measure_lag(folder: Path, server: Server) -> Iterator[Figure]:
    """A chain that grows, an indexer that follows it as a node's does, and somebody who looks."""
    with (
        open_dense_chain(folder) as chain,
        new_database(server) as url,
        started(("indexer",), chain, folder, url),
    ):
        _grow(chain, BLOCKS_BEFORE)
        mined, seen = _grow_and_look(chain, create_engine(url))
    behind = sorted(_blocks_behind(mined, seen))
    waits = sorted(_seconds_until_seen(mined, seen))
    p99 = behind[int(len(behind) * 0.99)]
    yield measured(SECTION, "blocks behind the head, p99", p99, "", "≤ 1")
    name = "block to commit, 500 leaves a second"
    yield measured(SECTION, f"{name}, p50", 1_000 * waits[len(waits) // 2], "ms")
    yield measured(SECTION, f"{name}, slowest of {BLOCKS}", 1_000 * waits[-1], "ms")


def _grow(chain: DenseChain, blocks: int) -> list[Moment]:
    leaves, mined = iter(lambda: secrets.token_bytes(32), b""), []
    due = time.perf_counter()
    for _ in range(blocks):
        time.sleep(max(0.0, due - time.perf_counter()))
        filling = chain.anchor_leaves(leaves, LEAVES_A_BLOCK, LEAVES_A_BLOCK)
        mined.append((time.perf_counter(), filling.last_block))
        due += BLOCK_SECONDS
    return mined


def _grow_and_look(chain: DenseChain, engine: Engine) -> tuple[list[Moment], list[Moment]]:
    seen: list[Moment] = []
    enough = threading.Event()

    def look() -> None:
        while not enough.is_set():
            with engine.connect() as connection:
                cursor = read_cursor(connection)
            seen.append((time.perf_counter(), cursor.at.block_number if cursor else 0))
            enough.wait(LOOK_SECONDS)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        mined = _grow(chain, BLOCKS)
        enough.wait(BLOCK_SECONDS)
    finally:
        enough.set()
        looking.join()
        engine.dispose()
    return mined, seen


def _blocks_behind(mined: list[Moment], seen: list[Moment]) -> Iterator[int]:
    times = [moment for moment, _ in mined]
    for moment, block in seen:
        known = bisect_right(times, moment)
        if known:
            yield max(0, mined[known - 1][1] - block)


def _seconds_until_seen(mined: list[Moment], seen: list[Moment]) -> Iterator[float]:
    for moment, block in mined:
        found = [when for when, reached in seen if reached >= block]
        assert found, f"block {block} was not indexed {BLOCK_SECONDS} s after the last one"
        yield max(0.0, found[0] - moment)
