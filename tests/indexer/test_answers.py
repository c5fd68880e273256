"""Answers of a node that are none, or not the truth: read again, in the end what a replay holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from indexer.rpc import AnswerTooLong, ChainUnreachable
from protocol.events import ConsentEnded
from protocol.types import Leaf
from tests.indexer.conftest import Bench, elsewhere
from tests.indexer.histories import mine_history
from tests.indexer.log_faults import BLOCK, LOGS, RECEIPTS
from tests.indexer.scripted_node import Refusal, breaks, times
from tests.indexer.test_faults import at_head, settle

BROKEN: dict[str, Callable[[Any], Any]] = {
    "429": breaks(429, b"slow down"),
    "500": breaks(500, b"oops"),
    "502": breaks(502, b"<html>bad gateway</html>"),
    "503": breaks(503),
    "413": breaks(413),
    "a cut connection": breaks(0),
    "invalid JSON": breaks(200, b'{"jsonrpc": "2.0", "id": 0, "result": '),
    "no JSON": breaks(200, b"<html>captive portal</html>"),
    "not UTF-8": breaks(200, b'{"jsonrpc":"2.0","id":0,"result":"\xff\xfe"}'),
    "an empty body": breaks(200),
    "another shape": breaks(200, json.dumps({"id": 0, "result": {"number": 7}}).encode()),
    "null": breaks(200, b"null"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("method", [LOGS, BLOCK])
def test_an_answer_that_is_none(bench: Bench, method: str, broken: Callable[[Any], Any]) -> None:
    rest = at_head(bench)
    for transaction in rest[:3]:
        bench.chain.mine(transaction)
        for after in range(3):
            bench.node.faults[:] = [times(1, method, broken, after)]
            bench.index.follow(bench.chain)
    settle(bench)


FIELDS = {
    LOGS: ("data", "topics", "blockNumber", "blockHash", "transactionHash", "logIndex"),
    BLOCK: ("number", "hash", "parentHash", "timestamp", "receiptsRoot", "logsBloom"),
    RECEIPTS: ("cumulativeGasUsed", "logsBloom", "status", "type"),
}


@pytest.mark.parametrize("value", ["0xzz", "0x1g", "banana", "", "-0x1"])
def test_an_answer_that_is_not_hexadecimal(bench: Bench, value: str) -> None:
    """In whichever of its fields: it is read again, and is no reason to die."""
    at_head(bench)
    met = set()

    def spoil(row: Any, method: str, field: str) -> Any:
        met.add((method, field))
        return {**row, field: [value] if field == "topics" else value}

    fields = [(method, field) for method, names in FIELDS.items() for field in names]
    for number, (method, field) in enumerate(fields, 1):
        bench.chain.mine([ConsentEnded(number.to_bytes(20), Leaf(bytes(32)))])

        def spoilt(answer: Any, method: str = method, field: str = field) -> Any:
            if isinstance(answer, list):
                return [spoil(row, method, field) for row in answer]
            return answer and spoil(answer, method, field)

        bench.node.faults[:] = [times(2, method, spoilt)]
        bench.index.follow(bench.chain)
    assert met == set(fields)
    settle(bench)


@pytest.mark.parametrize("method", ["eth_call", "eth_chainId"])
def test_a_word_that_is_not_hexadecimal(bench: Bench, method: str) -> None:
    mine_history(bench.chain, 19)
    bench.node.faults[:] = [times(1, method, lambda _: "0xzz")]
    with pytest.raises(ChainUnreachable, match="answered strangely"):
        bench.index.indexer.catch_up()
    settle(bench)


def test_a_node_that_is_silent_is_not_waited_for_without_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(result: Any) -> Any:
        assert release.wait(30)
        return result

    monkeypatch.setattr("indexer.rpc.TIMEOUT", urllib3.Timeout(connect=1.0, read=0.2))
    mine_history(bench.chain, 13)
    bench.node.faults.append(times(1, BLOCK, hang))
    indexer = elsewhere(bench.index, bench.node.url)
    with pytest.raises(ChainUnreachable, match="did not answer"):
        indexer.step()
    release.set()
    settle(bench)


@pytest.mark.parametrize("method", [BLOCK, RECEIPTS])
@pytest.mark.parametrize("after", range(4))
def test_a_null_in_place_of_a_block_or_receipts(bench: Bench, method: str, after: int) -> None:
    rest = at_head(bench)
    for transaction in rest[:4]:
        bench.chain.mine(transaction)
        bench.node.faults[:] = [times(1, method, lambda _: None, after)]
        bench.index.follow(bench.chain)
    settle(bench)


@pytest.mark.parametrize("damage", ["empty logs", "one missing", "a null", "none"])
def test_receipts_that_are_not_the_blocks(bench: Bench, damage: str) -> None:
    def damaged(receipts: list[Any]) -> list[Any]:
        if damage == "empty logs":
            return [{**receipt, "logs": []} for receipt in receipts]
        if damage == "one missing":
            return receipts[:-1]
        if damage == "a null":
            return [*receipts[:-1], None]
        return []

    for transaction in at_head(bench)[:4]:
        bench.chain.mine(transaction)
        bench.node.faults[:] = [times(2, RECEIPTS, damaged)]
        bench.index.follow(bench.chain)
    settle(bench)


def test_a_log_that_is_left_out_everywhere(bench: Bench) -> None:
    """Of the logs and of the receipts alike: only the root in the header knows."""
    for transaction in at_head(bench)[:6]:
        bench.chain.mine(transaction)

        def forgets(receipts: list[Any]) -> list[Any]:
            return [{**receipt, "logs": receipt["logs"][1:]} for receipt in receipts]

        bench.node.faults[:] = [
            times(1, LOGS, lambda logs: logs[1:]),
            times(1, RECEIPTS, forgets),
        ]
        bench.index.follow(bench.chain)
    settle(bench)


def test_a_node_without_the_method_for_all_receipts_of_a_block(bench: Bench) -> None:
    def unknown(_result: Any) -> Any:
        raise Refusal("the method eth_getBlockReceipts does not exist", -32601)

    for transaction in at_head(bench)[:4]:
        bench.chain.mine(transaction)
        bench.node.faults[:] = [times(99, RECEIPTS, unknown)]
        bench.index.follow(bench.chain)
    settle(bench)


def test_the_answer_for_one_block_may_be_as_long_as_its_gas_allows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range that is too long is halved; a block cannot be, and nothing else is without bound."""
    full = [ConsentEnded(number.to_bytes(20), Leaf(bytes(32))) for number in range(40)]
    mine_history(bench.chain, 20, acts=10)
    block = bench.chain.mine(full)
    for _ in range(12):
        bench.chain.mine()
    bench.replayed()  # by a node that does not say how much gas was used
    monkeypatch.setattr("indexer.reading.ANSWER_BYTES_MAX", 12_000)
    monkeypatch.setattr("indexer.ranges.ANSWER_BYTES_MAX", 12_000)
    gas = {"gasUsed": hex(100_000)}

    def dense(answer: Any) -> Any:
        is_dense = answer and answer["number"] == hex(block.number)
        return {**answer, **gas} if is_dense else answer

    bench.node.faults[:] = [times(10**6, BLOCK, dense)]
    settle(bench)
    gas["gasUsed"] = hex(21_000)
    bench.node.faults[:] = [times(10**6, BLOCK, dense)]
    with pytest.raises(AnswerTooLong, match="more than 21000 bytes"):
        bench.make_index(bench.node.url).indexer.catch_up()
