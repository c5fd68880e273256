"""kill -9 at every step of the loop, COMMIT included: the next start ends where a replay does.

The steps of a clean run are counted on its wires: every request to the chain's node and every
message to the database. Then the same run is killed before and after each of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from tests.indexer.conftest import Bench, Index, Server
from tests.indexer.histories import mine_all, tell
from tests.indexer.scripted_node import Call
from tests.indexer.victim import follow_to_head
from tests.indexer.wire import Wire, open_wire

PROCESS_SECONDS = 60
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.indexer.victim"])


@dataclass
class Scene:
    """An index on a branch that is no longer the chain's: what it takes to follow has every step,
    a roll-back and several ranges."""

    bench: Bench
    server: Server
    template: str
    wire: Wire
    wire_host: str
    expected: str

    def run(self, url: str, at_request: Callable[[int, int], None] | None = None) -> int:
        """A process that follows the chain; its exit code."""
        through_wire = make_url(url).update_query_dict({"host": self.wire_host})
        address = through_wire.render_as_string(hide_password=False)
        process = context.Process(target=follow_to_head, args=(address, self.bench.node.url))
        process.start()
        self.victim = process.pid
        requests = [0]

        def count(_call: Call, result: Any) -> Any:
            requests[0] += 1
            if at_request is not None:
                at_request(requests[0], process.pid or 0)
            return result

        self.bench.node.faults[:] = [count]
        process.join(PROCESS_SECONDS)
        assert process.exitcode is not None, "the indexer does not end"
        self.bench.node.faults.clear()
        self.requests = requests[0]
        return process.exitcode

    def kill(self) -> None:
        assert self.victim is not None
        os.kill(self.victim, signal.SIGKILL)

    def require_same_end(self, url: str, name: str) -> None:
        """What a new start makes of what is left."""
        engine = create_engine(url)
        index = Index(engine, self.bench.index.source)
        assert index.reach(self.bench.chain) == self.expected, name
        engine.dispose()
        self.server.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')


@pytest.fixture
def scene(bench: Bench, server: Server) -> Iterator[Scene]:
    transactions = tell(40, 40)
    mine_all(bench.chain, transactions[:30], 40)
    bench.index.follow(bench.chain)
    template = str(bench.index.engine.url.database)
    bench.index.engine.dispose()
    dropped = bench.chain.take_back(2)
    told = sum(len(block.receipts) for block in bench.chain.blocks)
    assert dropped
    for transaction in transactions[told : told + 8]:
        bench.chain.mine(transaction)
    server_socket = str(Path(make_url(server.url).query["host"]) / ".s.PGSQL.5432")
    with (
        tempfile.TemporaryDirectory(prefix="ptx-wire-") as folder,
        open_wire(Path(folder), server_socket) as wire,
    ):
        yield Scene(bench, server, template, wire, folder, bench.replayed())


every_step = pytest.mark.parametrize(
    "each", [pytest.param(1, marks=pytest.mark.deep), 25], ids=["every step", "some steps"]
)


@dataclass(frozen=True, slots=True)
class Step:
    """A message to the database: the n-th of all, or the n-th COMMIT."""

    number: int
    is_commit: bool

    def is_reached(self, messages: Sequence[bytes]) -> bool:
        """Whether it is the last of these."""
        if not self.is_commit:
            return len(messages) == self.number
        return b"COMMIT" in messages[-1] and count_commits(messages) == self.number


def count_commits(messages: Sequence[bytes]) -> int:
    return sum(b"COMMIT" in message for message in messages)


@every_step
def test_kill_before_and_after_messages_to_the_database(scene: Scene, each: int) -> None:
    """Every COMMIT always, of the other messages every one or some; and each kill has killed."""
    url = scene.server.copy(scene.template)
    assert scene.run(url) == 0
    messages = list(scene.wire.messages)
    commits = count_commits(messages)
    assert commits >= 5
    scene.require_same_end(url, "a clean run")
    steps = [Step(number, True) for number in range(1, commits + 1)]
    steps += [Step(number, False) for number in range(1, len(messages) + 1, each)]
    kills = []
    for step in steps:
        for moment in ("before", "after"):
            url = scene.server.copy(scene.template)
            kills.append(run_killed(scene, url, step, moment))
            scene.require_same_end(url, f"{moment} {step}")
    # A run may have a few messages less than another, and so may never come to the last steps.
    assert sum(kill.is_sent for kill in kills) > 0.9 * len(kills)
    assert [kill for kill in kills if not kill.is_as_it_must] == []


@dataclass(frozen=True, slots=True)
class Kill:
    """How a process ended that was to be killed at a step; `messages_left` is how many messages
    followed the one at which the signal was sent, None if it never was."""

    step: Step
    moment: str
    code: int
    messages_left: int | None

    @property
    def is_sent(self) -> bool:
        return self.messages_left is not None

    @property
    def is_as_it_must(self) -> bool:
        """A signal kills; only a process that is about to end may be quicker than it."""
        if self.messages_left is None:
            return self.code == 0
        is_at_its_end = self.moment == "after" and self.messages_left < 3
        return self.code == -signal.SIGKILL or (self.code == 0 and is_at_its_end)


def run_killed(scene: Scene, url: str, step: Step, moment: str) -> Kill:
    """A process that is killed at a step, before the database has the message or after. Nothing
    reaches the database once it is killed before."""
    wire, sent_at = scene.wire, [0]
    wire.messages.clear()

    def before(count: int) -> bool:
        if not sent_at[0] and step.is_reached(wire.messages[:count]):
            sent_at[0] = count
            if moment == "before":
                scene.kill()
        return not (sent_at[0] and moment == "before")

    def after(count: int) -> None:
        if sent_at[0] == count and moment == "after":
            scene.kill()

    wire.before, wire.after = before, after
    code = scene.run(url)
    wire.before, wire.after = lambda count: True, lambda count: None
    return Kill(step, moment, code, len(wire.messages) - sent_at[0] if sent_at[0] else None)


@every_step
def test_kill_at_requests_to_the_chain(scene: Scene, each: int) -> None:
    url = scene.server.copy(scene.template)
    assert scene.run(url) == 0
    requests = scene.requests
    assert requests > 10
    for number in range(1, requests + 1, each):
        url = scene.server.copy(scene.template)

        def kill(count: int, victim: int, at: int = number) -> None:
            if count == at:
                os.kill(victim, signal.SIGKILL)

        assert scene.run(url, kill) == -signal.SIGKILL
        scene.require_same_end(url, f"request {number}")
