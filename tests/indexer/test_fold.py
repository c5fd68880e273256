"""What the queries answer equals the rules' fold of the same events, on random histories: now, and
as it was known at any time."""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from types import CodeType, FrameType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from indexer import queries
from protocol.events import EVENT_TYPES
from tests.indexer.conftest import Bench, Index
from tests.indexer.histories import mine_all, mine_history, tell
from tests.indexer.scripted_chain import ScriptedChain
from tests.indexer.scripted_node import serve
from tests.indexer.specification import (
    known_at,
    known_now,
    require_same_agreements,
    require_same_consents,
    require_same_events,
    require_same_participants,
    require_same_proposals,
    require_same_rates,
    require_same_statuses,
)
from tests.indexer.specification_of_activity import require_same_activity
from tests.indexer.specification_of_money import require_same_money
from tests.indexer.specification_of_statements import require_same_statements

SEED, ACTS = 30, 200
"""A history with every event."""
ELSEWHERE = {
    "accounts": "tests/indexer/test_balances_at.py",
    "books.accounts_named": "tests/indexer/test_forgotten_postings.py",
    "consents.is_ended_by": "tests/organisation/test_consents_pages.py",
    "events": "tests/indexer/test_feed_histories.py",
    "feed": "tests/indexer/test_feed_histories.py",
    "freshness": "tests/indexer/test_answers.py",
    "stored": "tests/indexer/test_verification.py",
}
"""Other queries, or modules of them, and where they are compared with what a chain has told."""


def test_every_event_and_every_query(bench: Bench) -> None:
    """A history that leaves no event out is asked after by every query that there is."""
    transactions = tell(SEED, ACTS)
    assert {type(each).__name__ for told in transactions for each in told} == EVENT_TYPES.keys()
    mine_all(bench.chain, transactions, SEED)
    bench.index.follow(bench.chain)
    times = times_of(bench.chain, random.Random(SEED), 8)
    with bench.index.connect() as connection:
        with called_functions() as called:
            require_fold(connection, bench.chain)
            require_fold_at(connection, bench.chain, times[:1])
        require_fold_at(connection, bench.chain, times[1:])
    left = {query for query, code in public_queries().items() if code not in called}
    assert {name for name in left if not {name[0], ".".join(name)} & ELSEWHERE.keys()} == set()


@settings(
    max_examples=8,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), acts=st.integers(0, 120), back=st.integers(0, 5))
def test_the_index_is_the_fold(
    make_index: Callable[[str], Index], seed: int, acts: int, back: int
) -> None:
    chain = ScriptedChain()
    mine_history(chain, seed, acts)
    with serve(chain) as node:
        index = make_index(node.url)
        index.follow(chain)
        chain.take_back(min(back, chain.head.number - 1))
        chain.mine()
        for _ in range(back):
            chain.mine()
        index.follow(chain)
    with index.connect() as connection:
        require_fold(connection, chain)
        require_fold_at(connection, chain, times_of(chain, random.Random(seed), 2))
    index.engine.dispose()


def times_of(chain: ScriptedChain, draw: random.Random, count: int) -> list[int]:
    """Before all, after all, when two blocks have the same time, and others."""
    times = [block.time for block in chain.blocks]
    twice = [time for time, following in pairwise(times) if time == following]
    others = [time + change for time in times for change in (-1, 0)]
    drawn = [draw.sample(each, min(count, len(each))) for each in (twice, others)]
    return [times[0] - 1, times[-1] + 1, *drawn[0], *drawn[1]]


def require_fold(connection: Connection, chain: ScriptedChain) -> None:
    """Everything, as it is now."""
    now = known_now(chain)
    require_same_events(connection, chain)
    require_same_participants(connection, now)
    require_same_agreements(connection, now, now)
    require_same_consents(connection, now)
    require_same_rates(connection, now)
    require_same_proposals(connection, now)
    require_same_money(connection, chain, now)
    require_same_activity(connection, now)
    require_same_statements(connection, now)


def require_fold_at(connection: Connection, chain: ScriptedChain, times: list[int]) -> None:
    """What can be asked as of a time, at these times."""
    now = known_now(chain)
    for time in times:
        then = known_at(chain, time)
        require_same_agreements(connection, then, now)
        require_same_statuses(connection, then)
        require_same_rates(connection, then)
        require_same_proposals(connection, then)


@contextmanager
def called_functions() -> Iterator[set[CodeType]]:
    """The code of every function that is called meanwhile."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def public_queries() -> dict[tuple[str, str], CodeType]:
    """Module and name → code of each function of `indexer.queries` that is for others."""
    found = {}
    for module in iter_modules(queries.__path__):
        loaded = import_module(f"{queries.__name__}.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            if function.__module__ == loaded.__name__ and not name.startswith("_"):
                found[module.name, name] = function.__code__
    return found
