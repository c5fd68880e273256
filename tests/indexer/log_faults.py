"""Logs that a node leaves out or makes up."""

from __future__ import annotations

from typing import Any

from protocol.events import ConsentEnded, Event
from protocol.types import Leaf
from tests.indexer.event_logs import encode_event
from tests.indexer.scripted_chain import ADDRESSES, Block
from tests.indexer.scripted_node import Call, Fault

LOGS, BLOCK, RECEIPTS = "eth_getLogs", "eth_getBlockByNumber", "eth_getBlockReceipts"
EACH_TIME = 10**6


def ended(number: int) -> ConsentEnded:
    """An ending that no other number has."""
    return ConsentEnded(bytes([number]) * 20, Leaf(bytes([number]) * 32))


def place_of(log: Any) -> tuple[int, int]:
    """Block and log index."""
    return int(log["blockNumber"], 16), int(log["logIndex"], 16)


def leaves_out(*places: tuple[int, int], count: int = EACH_TIME) -> Fault:
    """These logs, in so many answers that should have one of them."""
    left = [count]

    def apply(call: Call, result: Any) -> Any:
        if call[0] != LOGS or not left[0]:
            return result
        kept = [log for log in result if place_of(log) not in places]
        left[0] -= len(kept) < len(result)
        return kept

    return apply


def invents(block: Block, event: Event, count: int = EACH_TIME) -> Fault:
    """A log of a block that no transaction wrote, in so many answers."""
    encoded, left = encode_event(event), [count]
    log = {
        "address": "0x" + ADDRESSES[encoded.contract].hex(),
        "topics": encoded.topics,
        "data": encoded.data,
        "blockNumber": hex(block.number),
        "blockHash": block.hash,
        "transactionHash": "0x" + "ab" * 32,
        "logIndex": hex(len(block.logs)),
        "removed": False,
    }

    def apply(call: Call, result: Any) -> Any:
        if call[0] != LOGS:
            return result
        first, last = (int(call[1][0][name], 16) for name in ("fromBlock", "toBlock"))
        if not first <= block.number <= last or not left[0]:
            return result
        left[0] -= 1
        return sorted([*result, log], key=place_of)

    return apply
