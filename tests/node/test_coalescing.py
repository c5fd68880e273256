"""Questions that come while a query runs share the next one, and each gets its own answer."""

from __future__ import annotations

import asyncio

import pytest

from node.commands.coalescing import QUERIES_MAX, Coalescer

ITEMS_MAX = 8


class Recorder:
    """Answers each query with its items, when told to."""

    def __init__(self) -> None:
        self.queries: list[tuple[bytes, list[bytes]]] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()

    async def query(self, group: bytes, items: list[bytes]) -> frozenset[bytes]:
        self.queries.append((group, items))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self.gate.wait()
        self.running -= 1
        if b"bad" in items:
            raise ValueError("a bad item")
        return frozenset(items)


async def _settle() -> None:
    """Lets every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_asks_while_a_query_runs_shares_the_next_one() -> None:
    recorder = Recorder()
    coalescer = Coalescer(recorder.query, ITEMS_MAX)
    first = asyncio.ensure_future(coalescer.ask(b"group", [b"0"]))
    await _settle()
    others = [asyncio.ensure_future(coalescer.ask(b"group", [b"%d" % n])) for n in (1, 2, 3)]
    stranger = asyncio.ensure_future(coalescer.ask(b"another", [b"4"]))
    await _settle()
    assert recorder.queries == [(b"group", [b"0"]), (b"another", [b"4"])]
    recorder.gate.set()
    assert await first == {b"0"}
    assert await stranger == {b"4"}
    for other in others:
        assert await other == {b"1", b"2", b"3"}
    assert len(recorder.queries) == 3


async def test_many_questions_run_two_queries_at_once_and_none_is_too_long() -> None:
    recorder = Recorder()
    coalescer = Coalescer(recorder.query, ITEMS_MAX)
    asked = [[b"%d-%d" % (number, item) for item in range(3)] for number in range(20)]
    answers = [asyncio.ensure_future(coalescer.ask(b"group", items)) for items in asked]
    await _settle()
    recorder.gate.set()
    for items, answer in zip(asked, answers, strict=True):
        assert set(items) <= await answer
    assert recorder.most_running == QUERIES_MAX
    assert max(len(items) for _, items in recorder.queries) < ITEMS_MAX + 3
    assert sorted(item for _, items in recorder.queries for item in items) == sorted(
        item for items in asked for item in items
    )


async def test_a_failure_reaches_those_who_asked_and_nobody_later() -> None:
    recorder = Recorder()
    recorder.gate.set()
    coalescer = Coalescer(recorder.query, ITEMS_MAX)
    with pytest.raises(ValueError, match="a bad item"):
        await coalescer.ask(b"group", [b"bad"])
    assert await coalescer.ask(b"group", [b"good"]) == {b"good"}


async def test_who_goes_away_takes_nobody_along() -> None:
    recorder = Recorder()
    coalescer = Coalescer(recorder.query, ITEMS_MAX)
    leaving = asyncio.ensure_future(coalescer.ask(b"group", [b"0"]))
    staying = asyncio.ensure_future(coalescer.ask(b"group", [b"1"]))
    await _settle()
    leaving.cancel()
    recorder.gate.set()
    assert await staying == {b"0", b"1"}
    assert await coalescer.ask(b"group", [b"2"]) == {b"2"}
