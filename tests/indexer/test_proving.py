"""What a back-fill believed is proven behind it: what a node left out or made up once is put right,
what it always leaves out halts the index."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from indexer.cursor import read_halt
from indexer.queries.freshness import IndexEmpty, read_freshness
from indexer.rereads import Contradiction, ReadInVain, Rereads
from indexer.rpc import ChainUnreachable
from tests.indexer.conftest import Bench
from tests.indexer.event_logs import EncodedLog
from tests.indexer.following import following
from tests.indexer.histories import mine_all, tell
from tests.indexer.log_faults import LOGS, RECEIPTS, ended, leaves_out
from tests.indexer.scripted_chain import WINDOW_BLOCKS
from tests.indexer.scripted_node import Call, Refusal, times
from tests.stage import wait_until


def begin(bench: Bench, empty_after: int = 20) -> tuple[int, int]:
    """A chain with two endings in two transactions of one block; the place of the second."""
    mine_all(bench.chain, tell(1, 10), 1)
    block = bench.chain.mine([ended(1)], [ended(2)])
    for _ in range(empty_after):
        bench.chain.mine()
    return block.number, 1


def test_an_ending_left_out_once_beside_another_one_is_put_right(bench: Bench) -> None:
    bench.node.faults[:] = [leaves_out(begin(bench), count=1)]
    assert bench.index.reach(bench.chain) != bench.replayed()
    assert bench.index.prove(bench.chain) == bench.replayed()


def test_the_only_log_of_a_block_in_a_long_range_is_put_right(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every header of such a range is read."""
    monkeypatch.setattr("indexer.reading.HEADERS_ALL_MAX", 50)
    mine_all(bench.chain, tell(1, 10), 1)
    for _ in range(300):
        bench.chain.mine()
    block = bench.chain.mine([ended(1)])
    for _ in range(WINDOW_BLOCKS + 10):
        bench.chain.mine()
    bench.node.faults[:] = [leaves_out((block.number, 0), count=1)]
    assert bench.index.reach(bench.chain) != bench.replayed()
    assert bench.index.prove(bench.chain) == bench.replayed()


def test_what_a_node_always_leaves_out_halts_and_is_not_served_meanwhile(bench: Bench) -> None:
    place = begin(bench)
    bench.node.faults[:] = [leaves_out(place)]
    with pytest.raises(ReadInVain, match=r"block \d+: log 1, endings: .*read again.*CHAIN_URL"):
        bench.index.prove(bench.chain)
    assert bench.index.proven == place[0] - 1
    with bench.index.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM indexing.roll_backs")) == 1
        with pytest.raises(IndexEmpty):
            read_freshness(connection)
    bench.node.faults.clear()
    bench.index.restarted()
    assert bench.index.prove(bench.chain) == bench.replayed()


def test_a_follower_puts_right_by_itself_and_tells_what_it_cannot(bench: Bench) -> None:
    place = begin(bench)
    bench.node.faults[:] = [leaves_out(place, count=1)]
    with following(bench.index.indexer):
        wait_until(lambda: bench.index.proven == bench.chain.head.number, "the proof")
        assert bench.index.digest() == bench.replayed()
        block = bench.chain.mine([ended(3)], [ended(4)])
        for _ in range(12):
            bench.chain.mine()
        wait_until(lambda: bench.index.proven == bench.chain.head.number, "the proof")
    assert bench.index.digest() == bench.replayed()
    bench.node.faults[:] = [leaves_out((block.number, 1))]
    index = bench.make_index(bench.node.url)
    with following(index.indexer), index.connect() as connection:
        wait_until(lambda: halt_of(connection) is not None, "a halt")
        assert f"block {block.number}" in (halt_of(connection) or "")


def halt_of(connection: Any) -> str | None:
    found = read_halt(connection)
    connection.rollback()
    return found


def test_more_lies_than_there_is_patience_for_halt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time another log is missing, and each costs a reading of what follows."""
    monkeypatch.setattr("indexer.rereads.REREADS_MAX", 3)
    mine_all(bench.chain, tell(1, 10), 1)
    first = bench.chain.head.number + 1
    for number in range(0, 20, 2):
        bench.chain.mine([ended(number)], [ended(number + 1)])
    for _ in range(10):
        bench.chain.mine()
    missing = list(range(first, first + 10))

    def leaves_out_in_turn(call: Call, result: Any) -> Any:
        """Of each reading that begins where the last one was disproved, the next one's log."""
        if call[0] != LOGS or hex(missing[0]) not in [log["blockNumber"] for log in result]:
            return result
        if missing[0] != first and int(call[1][0]["fromBlock"], 16) != missing[0] - 1:
            return result
        gone = (hex(missing.pop(0)), "0x1")
        return [log for log in result if (log["blockNumber"], log["logIndex"]) != gone]

    bench.node.faults[:] = [leaves_out_in_turn]
    with pytest.raises(ReadInVain, match="read again 3 times"):
        bench.index.prove(bench.chain)
    assert missing[0] == first + 4


def test_proof_is_taken_back_with_its_blocks_and_goes_on(bench: Bench) -> None:
    mine_all(bench.chain, tell(3, 40), 3)
    bench.index.prove(bench.chain)
    dropped = bench.chain.take_back(7)
    assert bench.index.proven == dropped[-1].number
    for _ in range(3):
        bench.chain.mine([ended(9)] if _ == 0 else [])
    bench.index.indexer.step()
    assert bench.index.proven <= dropped[0].number - 1
    for _ in range(7):
        bench.chain.mine()
    assert bench.index.prove(bench.chain) == bench.replayed()


def test_a_restart_goes_on_where_the_proof_stood(bench: Bench) -> None:
    mine_all(bench.chain, tell(4, 30), 4)
    bench.index.prove(bench.chain)
    stood = bench.chain.head.number
    for _ in range(30):
        bench.chain.mine()
    bench.index.restarted()
    bench.index.follow(bench.chain)
    bench.node.calls.clear()
    bench.index.prove(bench.chain)
    asked = [int(call[1][0], 16) for call in bench.node.calls if call[1][:1] != ["latest"]]
    assert min(asked) == stood + 1


def test_blocks_whose_filter_has_none_of_ours_need_no_receipts(bench: Bench) -> None:
    for _ in range(3):
        bench.chain.mine([EncodedLog("Stranger", ("0x" + "11" * 32,), "0x")])
    block = bench.chain.mine([ended(1)])
    for _ in range(12):
        bench.chain.mine([EncodedLog("Stranger", ("0x" + "11" * 32,), "0x")])
    bench.index.follow(bench.chain)
    bench.node.calls.clear()
    bench.index.prove(bench.chain)
    assert [call[1] for call in bench.node.calls if call[0] == RECEIPTS] == [[hex(block.number)]]


def test_a_node_that_has_no_receipts_holds_up_nothing(bench: Bench) -> None:
    """It has forgotten those of old blocks: the head is followed, the proof waits."""
    begin(bench)

    def forgets(call: Call, result: Any) -> Any:
        if call[0].startswith("eth_get") and "Receipt" in call[0]:
            raise Refusal("pruned history unavailable", 4444)
        return result

    bench.node.faults[:] = [forgets]
    bench.index.follow(bench.chain)
    before = bench.index.proven
    assert not bench.index.indexer.prove()
    assert bench.index.proven == before
    bench.chain.mine()
    bench.index.follow(bench.chain)
    bench.node.faults.clear()
    assert bench.index.prove(bench.chain) == bench.replayed()


def test_a_node_that_breaks_off_while_blocks_are_taken_back_is_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_again, left = Rereads.read_again, [1]

    def breaks_off(rereads: Rereads, found: Contradiction) -> int:
        if left:
            left.pop()
            raise ChainUnreachable("the node broke off")
        return read_again(rereads, found)

    monkeypatch.setattr(Rereads, "read_again", breaks_off)
    monkeypatch.setattr("indexer.runner.FAILURE_PAUSE_SECONDS", 0.02)
    bench.node.faults[:] = [leaves_out(begin(bench), count=1)]
    with following(bench.index.indexer):
        wait_until(lambda: bench.index.proven == bench.chain.head.number, "the proof")
    assert not left
    assert bench.index.digest() == bench.replayed()


def test_one_wrong_answer_disproves_nothing(bench: Bench) -> None:
    begin(bench)
    bench.index.follow(bench.chain)

    def garbles(receipts: list[Any]) -> list[Any]:
        return [{**receipt, "cumulativeGasUsed": "0x1"} for receipt in receipts]

    bench.node.faults[:] = [times(1, RECEIPTS, garbles)]
    assert bench.index.prove(bench.chain) == bench.replayed()
    with bench.index.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM indexing.roll_backs")) == 0
