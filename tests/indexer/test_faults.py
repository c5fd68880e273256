"""What nodes do to an indexer, one fault at a time: in the end it holds what the chain holds."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from indexer.audit import BooksDiffer
from indexer.chain import Chain
from indexer.cursor import AnotherChain
from indexer.decode import CONTRACT_EVENTS
from indexer.reading import ChainMoved
from indexer.rpc import ChainRefused, ChainUnreachable
from tests.indexer.conftest import Bench, elsewhere
from tests.indexer.event_logs import encode_event
from tests.indexer.following import following
from tests.indexer.histories import mine_all, mine_history, tell
from tests.indexer.log_faults import BLOCK, LOGS, ended, invents, leaves_out
from tests.indexer.scripted_chain import ADDRESSES, ScriptedChain
from tests.indexer.scripted_node import Call, Fault, Refusal, serve, times
from tests.stage import wait_until


def settle(bench: Bench) -> None:
    """The index reaches the head in spite of the faults, and holds what a replay holds."""
    digest = bench.index.reach(bench.chain)
    bench.node.faults.clear()
    assert digest == bench.replayed()


def at_head(bench: Bench, acts: int = 30) -> list[list[Any]]:
    """An index that follows the head; transactions that are still to be mined."""
    transactions = tell(1, acts)
    mine_all(bench.chain, transactions[:-12], 1)
    bench.index.follow(bench.chain)
    return transactions[-12:]


# -- logs that do not come -------------------------------------------------------------------------


def test_empty_logs_for_a_block_just_announced(bench: Bench) -> None:
    for transaction in at_head(bench):
        bench.chain.mine(transaction)
        bench.node.faults[:] = [times(1, LOGS, lambda logs: [])]
        bench.index.follow(bench.chain)
    settle(bench)


@pytest.mark.parametrize("has_block", [True, False], ids=["block known", "block unknown"])
def test_logs_for_a_range_beyond_the_head_of_the_node_that_answers(
    bench: Bench, has_block: bool
) -> None:
    """Behind one address there are several nodes: the one that has the logs lags."""
    for transaction in at_head(bench):
        behind = bench.chain.head.number
        bench.chain.mine(transaction)

        def lags(call: Call, result: Any, last: int = behind) -> Any:
            if call[0] == LOGS:
                return [log for log in result if int(log["blockNumber"], 16) <= last]
            is_last = call[0] == BLOCK and call[1][0] == hex(last + 1)
            return None if is_last and not has_block else result

        bench.node.faults[:] = [once_each(lags, 3)]
        bench.index.follow(bench.chain)
    settle(bench)


def once_each(fault: Fault, count: int) -> Fault:
    left = [count]

    def apply(call: Call, result: Any) -> Any:
        left[0] -= 1
        return fault(call, result) if left[0] >= 0 else result

    return apply


@pytest.mark.parametrize("name", ["LeavesAnchored", "ConsentEnded", "UsageSettled", "Transfer"])
def test_a_missing_log_at_the_head_is_found(bench: Bench, name: str) -> None:
    found = 0
    for transaction in tell(3, 60):
        bench.chain.mine(transaction)
        topics = [encode_event(e).topics[0] for e in transaction if type(e).__name__ == name]
        if topics:
            found += 1
            bench.node.faults[:] = [times(1, LOGS, lambda logs, t=topics[0]: without(logs, t))]
        bench.index.follow(bench.chain)
    assert found >= 2
    settle(bench)


def without(logs: list[Any], topic: str) -> list[Any]:
    """All but the first log with this topic."""
    places = [index for index, log in enumerate(logs) if log["topics"][0] == topic]
    return [log for index, log in enumerate(logs) if index not in places[:1]]


@pytest.mark.parametrize(("name", "seed"), [("LeavesAnchored", 56), ("UsageSettled", 45)])
def test_a_missing_log_in_the_middle_of_a_back_fill_is_found(
    bench: Bench, name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch says where it begins, each settlement what was settled: a gap shows, also in a
    later range, when that with the missing log is written. Of the last one the books tell."""
    monkeypatch.setattr("indexer.ranges.RANGE_BLOCKS_MAX", 3)
    transactions = tell(seed, 40)
    for start in range(0, len(transactions), 4):  # others of the block hide it from its filter
        bench.chain.mine(*transactions[start : start + 4], seconds=60)
    for _ in range(20):
        bench.chain.mine()
    places = [
        (origin.block_number, origin.log_index)
        for event, origin in bench.chain.events
        if type(event).__name__ == name
    ]
    assert len(places) >= 4
    for place in places[:-1]:
        index = bench.make_index(bench.node.url)
        bench.node.faults[:] = [leaves_out(place, count=1)]
        assert index.reach(bench.chain) == bench.replayed(), place
    bench.node.faults[:] = [leaves_out(places[-1], count=1)]
    bench.index.restarted()
    with pytest.raises(BooksDiffer):
        bench.index.follow(bench.chain)


def test_a_missing_log_in_the_middle_of_a_transaction_is_found(bench: Bench) -> None:
    chain = bench.chain
    mine_history(chain, 7)
    transfers = [block.number for block in chain.blocks if len(block.logs) >= 3]
    for _ in range(20):
        chain.mine()
    assert transfers

    def hole(logs: list[Any]) -> list[Any]:
        middle = next(
            index
            for index in range(1, len(logs) - 1)
            if logs[index - 1]["transactionHash"] == logs[index + 1]["transactionHash"]
        )
        return logs[:middle] + logs[middle + 1 :]

    bench.node.faults[:] = [times(1, LOGS, hole)]
    settle(bench)


def test_a_block_whose_bloom_announces_logs_that_did_not_come_is_asked_again(bench: Bench) -> None:
    mine_history(bench.chain, 8)
    for _ in range(20):
        bench.chain.mine()
    last = next(block for block in reversed(bench.chain.blocks) if block.logs)

    def forgets(logs: list[Any]) -> list[Any]:
        return [log for log in logs if log["blockNumber"] != hex(last.number)]

    bench.node.faults[:] = [times(1, LOGS, forgets)]
    settle(bench)


def test_a_log_made_up_where_the_bloom_has_none_is_not_believed(bench: Bench) -> None:
    mine_history(bench.chain, 8)
    block = bench.chain.mine()
    for _ in range(20):
        bench.chain.mine()
    bench.node.faults[:] = [invents(block, ended(7), 3)]
    settle(bench)
    bench.node.faults[:] = [invents(block, ended(7))]
    with pytest.raises(ChainMoved, match="after 60 attempts"):
        bench.make_index(bench.node.url).follow(bench.chain)


# -- ranges ----------------------------------------------------------------------------------------

WORDINGS = (
    (-32005, "query returned more than 10000 results"),
    (-32602, "Log response size exceeded. this block range should work: [0x0, 0x1]"),
    (-32600, "eth_getLogs is limited to a 10,000 range"),
    (-32000, "exceed maximum block range: 5000"),
    (-32000, "Requested range exceeds maximum RPC range limit"),
    (-32603, "block range is too wide"),
    (-32701, "please narrow down your query"),
)


@pytest.mark.parametrize(("code", "message"), WORDINGS, ids=[each[1] for each in WORDINGS])
@pytest.mark.parametrize("limit", [1, 7])
def test_a_range_that_is_too_long_is_halved(
    bench: Bench, code: int, message: str, limit: int
) -> None:
    mine_history(bench.chain, 9)
    bench.node.faults.append(range_limit(limit, code, message))
    settle(bench)


def range_limit(limit: int, code: int, message: str) -> Fault:
    def apply(call: Call, result: Any) -> Any:
        if call[0] == LOGS:
            first, last = (int(call[1][0][name], 16) for name in ("fromBlock", "toBlock"))
            if last - first + 1 > limit:
                raise Refusal(message, code)
        return result

    return apply


def test_a_node_that_refuses_a_single_block_is_a_loud_failure(bench: Bench) -> None:
    mine_history(bench.chain, 9)
    bench.node.faults.append(range_limit(0, -32005, "query returned more than 10000 results"))
    with pytest.raises(ChainRefused, match="more than 10000 results"):
        bench.index.indexer.step()
    asked = [call[1][0] for call in bench.node.calls if call[0] == LOGS]
    assert asked[-1]["fromBlock"] == asked[-1]["toBlock"]


@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 10_000])
def test_any_chunking_gives_the_same(
    bench: Bench, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine_history(bench.chain, 10)
    expected = bench.replayed()
    monkeypatch.setattr("indexer.ranges.RANGE_BLOCKS_MAX", blocks)
    bench.index.restarted()
    assert bench.index.reach(bench.chain) == expected


def test_long_ranges_without_events(bench: Bench) -> None:
    transactions = tell(11, 20)
    mine_all(bench.chain, transactions[:15], 11)
    for _ in range(4_000):
        bench.chain.mine()
    mine_all(bench.chain, transactions[15:], 12)
    for _ in range(1_500):
        bench.chain.mine()
    settle(bench)


# -- another chain ---------------------------------------------------------------------------------


def test_another_genesis_is_refused(bench: Bench) -> None:
    mine_history(bench.chain, 14)
    before = bench.index.reach(bench.chain)
    other = ScriptedChain(salt=99)
    mine_history(other, 14)
    with serve(other) as node, pytest.raises(AnotherChain, match="genesis"):
        elsewhere(bench.index, node.url).catch_up()
    assert bench.index.digest() == before


def test_another_chain_id_is_refused(bench: Bench) -> None:
    mine_history(bench.chain, 14)
    bench.node.faults.append(times(1, "eth_chainId", lambda _: "0x1"))
    with pytest.raises(AnotherChain, match="chain id 1"):
        bench.index.indexer.catch_up()


def test_who_waits_for_another_indexer_on_another_chain_is_refused(bench: Bench) -> None:
    mine_history(bench.chain, 14, acts=5)
    other = ScriptedChain(salt=99)
    mine_history(other, 14, acts=5)
    with following(bench.index.indexer), serve(other) as node:
        wait_until(lambda: bench.index.stands_at(bench.chain), "the head")
        second = elsewhere(bench.index, node.url)
        with pytest.raises(AnotherChain, match="genesis"):
            second.follow(threading.Event(), 0.01, lambda blocks: None)


# -- and otherwise ---------------------------------------------------------------------------------


def test_every_address_of_ours_is_asked_for(bench: Bench) -> None:
    mine_history(bench.chain, 17)
    bench.index.follow(bench.chain)
    asked = [call[1][0]["address"] for call in bench.node.calls if call[0] == LOGS]
    assert {"0x" + ADDRESSES[name].hex() for name in CONTRACT_EVENTS} == set(asked[0])


def test_a_node_that_is_back_is_followed_again(bench: Bench) -> None:
    mine_history(bench.chain, 18)
    with pytest.raises(ChainUnreachable, match="did not answer"):
        elsewhere(bench.index, "http://127.0.0.1:9").catch_up()
    settle(bench)
    assert Chain(bench.node.url).chain_id() == 5
