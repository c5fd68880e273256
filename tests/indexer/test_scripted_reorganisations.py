"""Reorganisations of every depth and at every moment, up to what is final."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import text

from indexer.cursor import Halted, read_cursor
from indexer.reorg import ReorganisationTooDeep
from protocol.events import ConsentEnded
from protocol.types import Leaf
from tests.indexer.conftest import Bench
from tests.indexer.histories import mine_all, tell
from tests.indexer.scripted_chain import WINDOW_BLOCKS, ScriptedChain
from tests.indexer.scripted_node import Call, times

DEPTHS = (1, 2, 3, 7, 31, 64, WINDOW_BLOCKS - 1)


def mine_ahead(bench: Bench, seed: int, blocks: int) -> list[list[Any]]:
    """A history with many blocks after it; transactions for those to come."""
    transactions = tell(seed, 150)
    mine_all(bench.chain, transactions[:60], seed)
    later = transactions[60:]
    count = min(50, blocks - 1)
    spread(bench.chain, later[:count], blocks - 1, seed)
    bench.chain.mine(later[count])
    return later[count + 1 :]


def spread(chain: ScriptedChain, transactions: list[list[Any]], blocks: int, seed: int) -> None:
    """Blocks with one transaction each at random, as long as there are some."""
    draw = random.Random(seed)
    places = sorted(draw.sample(range(blocks), min(blocks, len(transactions))))
    left = dict(zip(places, transactions, strict=False))
    for place in range(blocks):
        chain.mine(*([left[place]] if place in left else []))


def fork(bench: Bench, depth: int, longer_by: int, seed: int) -> None:
    """Takes blocks back and mines others, with the same transactions in other places."""
    dropped = bench.chain.take_back(depth)
    transactions = [
        [
            event
            for event, origin in block.events
            if bytes.fromhex(r.transaction_hash[2:]) == origin.transaction_hash
        ]
        for block in dropped
        for r in block.receipts
    ]
    spread(bench.chain, transactions, depth + longer_by, seed)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("longer_by", [0, 3], ids=["as long", "longer"])
def test_a_reorganisation_leaves_no_trace(bench: Bench, depth: int, longer_by: int) -> None:
    """The same transactions come back in other blocks, some of them in none."""
    mine_ahead(bench, depth, WINDOW_BLOCKS)
    before = bench.index.reach(bench.chain)
    fork(bench, depth, longer_by, depth + longer_by)
    after = bench.index.reach(bench.chain)
    assert after != before
    assert after == bench.replayed()


def test_the_same_transaction_in_two_blocks_of_one_answer(bench: Bench) -> None:
    """A node that is half-way through a reorganisation gives the logs of both branches."""
    later = mine_ahead(bench, 21, 5)
    bench.index.follow(bench.chain)
    bench.chain.mine(later[0])
    stale = bench.chain.answer("eth_getLogs", [everything(bench)])
    bench.chain.take_back(1)
    bench.chain.mine()
    bench.chain.mine(later[0])
    doubled = [0]

    def both(call: Call, result: Any) -> Any:
        if call[0] != "eth_getLogs" or doubled[0] == 3:
            return result
        doubled[0] += 1
        first = int(call[1][0]["fromBlock"], 16)
        return [log for log in stale if int(log["blockNumber"], 16) >= first] + result

    bench.node.faults.append(both)
    assert bench.index.reach(bench.chain) == bench.replayed()
    assert doubled[0] > 1


def test_logs_of_both_branches_in_one_block(bench: Bench) -> None:
    """A transaction that another branch has at the end of a block is none of the chain's."""
    later = mine_ahead(bench, 34, 5)
    bench.index.follow(bench.chain)
    ended = [ConsentEnded(bytes([n]) * 20, Leaf(bytes(32))) for n in (1, 2)]
    stale = bench.chain.mine([ended[0]], [ended[1]])
    of_another = bench.chain.answer("eth_getLogs", [everything(bench)])[-1:]
    bench.chain.take_back(1)
    bench.chain.mine([ended[0]])
    for transaction in later[:20]:
        bench.chain.mine(transaction)  # so that receipts of the block are not asked for

    def mixed(logs: list[Any]) -> list[Any]:
        older = [log for log in logs if int(log["blockNumber"], 16) <= stale.number]
        return [*older, *of_another, *logs[len(older) :]]

    bench.node.faults.append(times(1, "eth_getLogs", mixed))
    assert bench.index.reach(bench.chain) == bench.replayed()


def everything(bench: Bench) -> dict[str, Any]:
    addresses = sorted({log.address for block in bench.chain.blocks for log in block.logs})
    return {"fromBlock": "0x0", "toBlock": hex(bench.chain.head.number), "address": addresses}


@pytest.mark.parametrize("at_request", range(12))
@pytest.mark.parametrize("depth", [5, 15], ids=["after the cursor", "below the cursor"])
def test_a_reorganisation_during_a_reading_or_a_roll_back(
    bench: Bench, at_request: int, depth: int
) -> None:
    """The chain changes its mind again while the indexer asks where the branches part, and while
    it reads the new branch; with or without the block that it stands at by then."""
    mine_ahead(bench, 22, 20)
    bench.index.follow(bench.chain)
    fork(bench, 7, 2, 23)
    bench.node.requests.clear()
    forked: list[Call] = []

    def changes_its_mind(call: Call, result: Any) -> Any:
        if not forked and len(bench.node.requests) > at_request:
            forked.append(call)
            fork(bench, depth, 1, 24)
        return result

    bench.node.faults.append(changes_its_mind)
    digest = bench.index.reach(bench.chain)
    bench.node.faults.clear()
    assert forked
    assert digest == bench.index.reach(bench.chain) == bench.replayed()


def test_a_back_fill_during_which_the_chain_reorganises(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.ranges.RANGE_BLOCKS_MAX", 5)
    mine_ahead(bench, 25, 40)
    bench.index.restarted()
    readings = [0]

    def changes_its_mind(call: Call, result: Any) -> Any:
        if call[0] == "eth_getLogs":
            readings[0] += 1
            if readings[0] in (3, 7):
                fork(bench, 30, 1, 26 + readings[0])
        return result

    bench.node.faults.append(changes_its_mind)
    digest = bench.index.reach(bench.chain)
    bench.node.faults.clear()
    assert digest == bench.replayed()


def test_a_node_that_lags_takes_nothing_back(bench: Bench) -> None:
    mine_ahead(bench, 27, 20)
    before = bench.index.reach(bench.chain)
    behind = bench.chain.blocks[-6].header()

    def lags(call: Call, result: Any) -> Any:
        is_newer = call[0] == "eth_getBlockByNumber" and (
            call[1][0] == "latest" or int(call[1][0], 16) > int(behind["number"], 16)
        )
        return (behind if call[1][0] == "latest" else None) if is_newer else result

    bench.node.faults.append(lags)
    assert bench.index.indexer.step() == 0
    assert bench.index.digest() == before
    bench.node.faults.clear()
    assert bench.index.indexer.step() == 0
    assert bench.index.digest() == before


@pytest.mark.parametrize("depth", [1, 5, 60])
def test_a_chain_that_comes_back_shorter_shortens_the_index(
    bench: Bench, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.runner.SHORTER_CHAIN_GRACE_SECONDS", 0.0)
    mine_ahead(bench, 28, 64)
    before = bench.index.reach(bench.chain)
    bench.chain.take_back(depth)
    after = bench.index.reach(bench.chain)
    assert before != after == bench.replayed()


@pytest.mark.parametrize("depth", [WINDOW_BLOCKS, WINDOW_BLOCKS + 20])
def test_what_is_final_is_never_changed_silently(bench: Bench, depth: int) -> None:
    mine_ahead(bench, 29, WINDOW_BLOCKS + 30)
    before = bench.index.reach(bench.chain)
    fork(bench, depth + 1, 5, 30)
    with pytest.raises(ReorganisationTooDeep, match=r"Nothing was changed.*index rebuild"):
        bench.index.indexer.step()
    assert bench.index.digest() == before
    assert issubclass(ReorganisationTooDeep, Halted)


def test_a_node_that_knows_no_block_any_more_is_no_reorganisation(bench: Bench) -> None:
    mine_ahead(bench, 31, 10)
    before = bench.index.reach(bench.chain)

    def forgets(call: Call, result: Any) -> Any:
        is_known = call[0] != "eth_getBlockByNumber" or call[1][0] in ("0x1", "latest")
        return result if is_known else None

    bench.chain.mine()
    bench.node.faults.append(forgets)
    for _ in range(3):
        with pytest.raises(Exception, match=r"does not have block|is gone"):
            bench.index.indexer.step()
    assert bench.index.digest() == before
    bench.node.faults.clear()
    assert bench.index.reach(bench.chain) == bench.replayed()


def test_the_window_of_remembered_blocks_is_bounded_and_gapless(bench: Bench) -> None:
    mine_ahead(bench, 32, WINDOW_BLOCKS + 50)
    bench.index.follow(bench.chain)
    fork(bench, 50, 2, 33)
    bench.index.follow(bench.chain)
    with bench.index.connect() as connection:
        cursor = read_cursor(connection)
        rows = connection.execute(
            text("SELECT block_number, block_hash FROM indexing.recent_blocks ORDER BY 1")
        ).all()
    assert cursor is not None
    last = cursor.at.block_number
    assert [row.block_number for row in rows] == list(range(last - WINDOW_BLOCKS, last + 1))
    for row in rows:
        assert "0x" + row.block_hash.hex() == bench.chain.blocks[row.block_number].hash
