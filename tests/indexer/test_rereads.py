"""What contradicts what the index holds is read again once; where it stays, the index halts with
its reason, never dies, and never reads the same over and over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from indexer.cursor import Halted, read_halt
from indexer.verify import rebuild
from protocol.events import Event, Transfer, UsageSettled
from protocol.types import AmountMinor
from tests.indexer.conftest import Bench, Index
from tests.indexer.event_logs import EncodedLog, encode_event
from tests.indexer.following import following
from tests.indexer.histories import mine_all, tell
from tests.indexer.log_faults import BLOCK, LOGS, ended, invents, leaves_out
from tests.indexer.scripted_node import times
from tests.indexer.test_faults import settle
from tests.stage import wait_until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.runner.FAILURE_PAUSE_SECONDS", 0.02)


def number_of(index: Index, what: str) -> int:
    with index.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM indexing.{what}")).scalar_one())


def halt_of(index: Index) -> str:
    with index.connect() as connection:
        return read_halt(connection) or ""


def halts_with(bench: Bench, *said: str) -> None:
    """Followed by a thread that lives on, and that begins again after a rebuild."""
    with following(bench.index.indexer) as thread:
        wait_until(lambda: halt_of(bench.index), "a halt")
        reason = halt_of(bench.index)
        assert [part for part in said if part not in reason] == [], reason
        copied = number_of(bench.index, "roll_backs")
        assert copied <= 2
        assert thread.is_alive()
        bench.node.faults.clear()


# -- events that rest on others --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "contract"),
    [("AgreementProposed", "AgreementRegistry"), ("LeavesAnchored", "ConsentRegistry")],
)
def test_what_rests_on_a_log_that_nothing_explains_halts(
    bench: Bench, name: str, contract: str
) -> None:
    """It is damaged on the chain itself: no node and no patience gives another one."""
    place: tuple[int, int] | None = None
    for transaction in tell(5, 30):
        logs: list[Event | EncodedLog] = []
        for event in transaction:
            encoded = encode_event(event)
            if type(event).__name__ == name and place is None:
                place = (bench.chain.head.number + 1, len(logs))
                encoded = EncodedLog(encoded.contract, encoded.topics, encoded.data[:-2])
            logs.append(event if place is None else encoded)
        bench.chain.mine(logs)
    assert place is not None
    halts_with(bench, f"log {place[1]} of block {place[0]}: {contract} wrote it")


def settled_and_again(bench: Bench) -> tuple[int, int]:
    """Block and log index of a settlement on which a later one rests."""
    places: dict[tuple[bytes, bytes, int], tuple[int, int]] = {}
    for event, origin in bench.chain.events:
        if isinstance(event, UsageSettled):
            key = (event.agreement_id, event.consumer, event.period)
            if key in places:
                return places[key]
            places[key] = (origin.block_number, origin.log_index)
    raise AssertionError("nothing is settled twice in this history")


def test_a_settlement_that_a_node_always_leaves_out_halts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.ranges.RANGE_BLOCKS_MAX", 3)
    transactions = tell(5, 60)
    for start in range(0, len(transactions), 4):  # others of the block hide it from its filter
        bench.chain.mine(*transactions[start : start + 4], seconds=60)
    for _ in range(20):
        bench.chain.mine()
    bench.node.faults[:] = [leaves_out(settled_and_again(bench))]
    halts_with(bench, "leaves out logs of UsageSettlement", "Give CHAIN_URL another node")
    assert number_of(bench.index, "roll_backs") == 1
    bench.index.restarted()
    settle(bench)


def test_after_a_rebuild_it_is_tried_again(bench: Bench) -> None:
    mine_all(bench.chain, tell(1, 20), 1)
    block = bench.chain.mine([ended(1)], [ended(2)])
    for _ in range(20):
        bench.chain.mine()
    bench.node.faults[:] = [leaves_out((block.number, 1))]
    with following(bench.index.indexer):
        wait_until(lambda: halt_of(bench.index), "a halt")
        bench.node.faults.clear()
        rebuild(bench.index.engine, bench.index.source, lambda blocks: None)
        wait_until(lambda: bench.index.proven == bench.chain.head.number, "the proof")
    assert bench.index.digest() == bench.replayed()


def test_a_rebuild_does_not_wait_for_an_indexer_that_stands_still(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node has become worse since the index was made."""
    monkeypatch.setattr("indexer.ranges.RANGE_BLOCKS_MAX", 3)
    transactions = tell(5, 60)
    for start in range(0, len(transactions), 4):
        bench.chain.mine(*transactions[start : start + 4], seconds=60)
    bench.index.follow(bench.chain)
    bench.node.faults[:] = [leaves_out(settled_and_again(bench))]
    with following(bench.index.indexer), pytest.raises(Halted, match="Logs are missing"):
        rebuild(bench.index.engine, bench.index.source, lambda blocks: None)


# -- what no table can hold ------------------------------------------------------------------------


@pytest.mark.parametrize("has_lookups", [True, False], ids=["following", "back-fill"])
def test_an_ending_made_up_before_the_true_one_is_read_again(
    bench: Bench, has_lookups: bool
) -> None:
    """The database refuses the true one: what is not proven gives way."""
    mine_all(bench.chain, tell(1, 20), 1)
    if has_lookups:
        bench.index.follow(bench.chain)
    block = bench.chain.mine([ended(6)])  # whose filter knows of endings
    for _ in range(120):
        bench.chain.mine()
    bench.chain.mine([ended(7)])
    for _ in range(20):
        bench.chain.mine()
    bench.node.faults[:] = [invents(block, ended(7), 1)]
    assert bench.index.prove(bench.chain) == bench.replayed()
    assert number_of(bench.index, "roll_backs") <= 1


@pytest.mark.parametrize("has_lookups", [True, False], ids=["following", "back-fill"])
def test_an_ending_that_a_node_always_makes_up_halts(bench: Bench, has_lookups: bool) -> None:
    mine_all(bench.chain, tell(1, 20), 1)
    if has_lookups:
        bench.index.follow(bench.chain)
    block = bench.chain.mine([ended(6)])
    for _ in range(120):
        bench.chain.mine()
    last = bench.chain.mine([ended(7)])
    for _ in range(20):
        bench.chain.mine()
    bench.node.faults[:] = [invents(block, ended(7))]
    halts_with(bench, str(last.number), "makes up", "CHAIN_URL")


def test_a_chain_that_writes_an_ending_twice_halts(bench: Bench) -> None:
    """The contract cannot: somebody else's code is at its address."""
    mine_all(bench.chain, tell(1, 10), 1)
    bench.index.prove(bench.chain)
    block = bench.chain.mine([ended(7), encode_event(ended(7))])
    halts_with(bench, f"Block {block.number} cannot be stored", "Key (leaf, who)")


STRANGE: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a time of 70 bits": (BLOCK, lambda block: {**block, "timestamp": hex(2**70)}),
    "a time of 45 bits": (BLOCK, lambda block: {**block, "timestamp": hex(2**45)}),
    "a height of 70 bits": (BLOCK, lambda block: {**block, "number": hex(2**70)}),
    "an empty filter": (BLOCK, lambda block: {**block, "logsBloom": "0x"}),
    "a short hash": (BLOCK, lambda block: {**block, "hash": "0x1234"}),
    "an index of 40 bits": (LOGS, lambda logs: [{**log, "logIndex": hex(2**40)} for log in logs]),
    "a height of 40 digits": (
        LOGS,
        lambda logs: [{**log, "blockNumber": "0x" + "1" * 40} for log in logs],
    ),
}


@pytest.mark.parametrize(("method", "strange"), STRANGE.values(), ids=STRANGE.keys())
def test_numbers_that_nothing_holds_are_asked_for_again(
    bench: Bench, method: str, strange: Callable[[Any], Any]
) -> None:
    mine_all(bench.chain, tell(1, 20), 1)
    bench.index.follow(bench.chain)
    bench.chain.mine([ended(3)])
    for _ in range(12):
        bench.chain.mine()
    bench.node.faults[:] = [times(20, method, lambda answer: answer and strange(answer))]
    with following(bench.index.indexer):
        wait_until(lambda: bench.index.stands_at(bench.chain), "the head")
    bench.node.faults.clear()
    assert bench.index.digest() == bench.replayed()


def test_a_log_index_that_nothing_holds_and_that_stays_halts(bench: Bench) -> None:
    mine_all(bench.chain, tell(1, 20), 1)
    bench.index.prove(bench.chain)
    block = bench.chain.mine([ended(3)])
    for _ in range(12):
        bench.chain.mine()
    strange = STRANGE["an index of 40 bits"][1]
    bench.node.faults[:] = [times(10**6, LOGS, strange)]
    halts_with(bench, f"Block {block.number} cannot be stored", "out of range")


def test_an_amount_made_up_is_no_reason_to_die(bench: Bench) -> None:
    mine_all(bench.chain, tell(1, 20), 1)
    block = bench.chain.mine([ended(1)])
    for _ in range(20):
        bench.chain.mine()
    made_up = Transfer(bytes(20), b"\x01" * 20, AmountMinor(2**256 - 1))
    bench.node.faults[:] = [invents(block, made_up, 1)]
    with following(bench.index.indexer) as thread:
        wait_until(lambda: bench.index.stands_at(bench.chain) or halt_of(bench.index), "an end")
        assert thread.is_alive()
    bench.node.faults.clear()
