"""Reads a range of blocks and makes sure that it is whole.

A node may lag, change its mind between two answers, forget logs or answer from another machine's
memory. So the blocks must hang together and follow the cursor, the logs must be of these blocks,
and where a header says that there are logs of ours which did not come, the block's receipts decide:
they must hash to the header's `receiptsRoot`. Near the head, where nodes forget most, they are
asked for every block that could hold an event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import structlog

from indexer.chain import Chain, Header, Log
from indexer.cursor import BlockRef
from indexer.ranges import RangeSize
from indexer.receipts import bloom_mask, receipts_root
from indexer.rpc import ChainRefused, ChainUnreachable

HEADERS_ALL_MAX = 1_000
"""Up to so many blocks, every header is read; of more, those that count."""
RECEIPTS_NEAR_HEAD_BLOCKS = 8

logger = structlog.get_logger("indexer")


class ChainMoved(Exception):
    """Blocks and logs of one reading do not belong together, or are not whole: read again."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Blocks after a cursor: their logs in chain order, the blocks that carry them by the height
    as the wire has it, the newest blocks to remember, and the last one."""

    logs: Sequence[Log]
    blocks: Mapping[str, BlockRef]
    recent: Sequence[BlockRef]
    last: BlockRef


class Reader:
    """Reads one chain's logs of our contracts."""

    def __init__(self, chain: Chain, addresses: Sequence[bytes], remembered_blocks: int) -> None:
        self._chain = chain
        self._addresses = ["0x" + address.hex() for address in addresses]
        self._masks = [bloom_mask(address) for address in addresses]
        self._remembered_blocks = remembered_blocks
        self._size = RangeSize()

    def read_after(self, before: BlockRef, head: Header) -> Reading:
        """The next blocks after `before`, at most up to the head.

        Raises ChainMoved, ChainUnreachable, and ChainRefused where the node refuses one block.
        """
        first = before.block_number + 1
        while True:
            last = self._size.last_block(first, head.block_number)
            try:
                last_header, logs = self._chain.logs(first, last, self._addresses)
                break
            except (ChainRefused, ChainUnreachable) as error:
                if not self._size.halve(last - first + 1):
                    raise
                logger.info("range_halved", first=first, last=last, reason=str(error))
        self._size.learn(last - first + 1, sum(len(log.data) + 600 for log in logs))
        headers = self._headers(before, last_header, head, logs)
        _require_order(logs)
        self._require_whole(headers, head, logs)
        blocks = {header.number: _ref(header) for header in headers.values()}
        return Reading(
            logs=logs,
            blocks=blocks,
            recent=[
                block
                for block in blocks.values()
                if block.block_number > last - self._remembered_blocks
            ],
            last=_ref(last_header),
        )

    def _headers(
        self, before: BlockRef, last_header: Header, head: Header, logs: Sequence[Log]
    ) -> dict[int, Header]:
        """Headers by height, checked to hang together and to carry the logs."""
        first, last = before.block_number + 1, last_header.block_number
        every = last - first < HEADERS_ALL_MAX
        near_end = range(first if every else max(first, last - self._remembered_blocks), last)
        wanted = sorted({first, *near_end, *(int(log.block_number, 16) for log in logs)} - {last})
        if wanted and not first <= wanted[0] <= wanted[-1] < last:
            raise ChainMoved(f"logs of block {wanted[0]} or {wanted[-1]} came unasked")
        headers: dict[int, Header] = {}
        for number, header in zip(wanted, self._chain.headers(wanted), strict=True):
            if header is None:
                raise ChainMoved(f"block {number} is gone (head was {head.block_number})")
            headers[number] = header
        headers[last] = last_header
        for number, header in headers.items():
            parent = headers.get(number - 1)
            expected = before.block_hash if number == first else parent and parent.block_hash
            if expected is not None and header.parent_block_hash != expected:
                raise ChainMoved(f"block {number} does not follow block {number - 1}")
        for log in logs:
            if log.removed or log.block_hash != headers[int(log.block_number, 16)].hash:
                raise ChainMoved(f"a log of block {int(log.block_number, 16)} is of another block")
        return headers

    def _require_whole(
        self, headers: Mapping[int, Header], head: Header, logs: Sequence[Log]
    ) -> None:
        found = {int(number, 16): list(those) for number, those in groupby(logs, _number_of)}
        for number, header in headers.items():
            ours = found.get(number, [])
            is_near_head = number > head.block_number - RECEIPTS_NEAR_HEAD_BLOCKS
            bloom = int(header.logs_bloom, 16)
            announced = [
                address
                for address, mask in zip(self._addresses, self._masks, strict=True)
                if bloom & mask == mask
            ]
            missing = set(announced) - {log.address.lower() for log in ours}
            if missing or _has_hole(ours) or (is_near_head and announced):
                self._require_receipts(header, ours)

    def _require_receipts(self, header: Header, ours: Sequence[Log]) -> None:
        receipts = self._chain.receipts(header)
        if receipts_root(receipts) != bytes.fromhex(header.receipts_root[2:]):
            raise ChainMoved(f"receipts of block {header.block_number} are not those of its header")
        proven = [
            (log.address.lower(), log.topics, log.data)
            for receipt in receipts
            for log in receipt.logs
            if log.address.lower() in self._addresses
        ]
        if proven != [(log.address.lower(), log.topics, log.data) for log in ours]:
            raise ChainMoved(
                f"the node gave {len(ours)} logs of block {header.block_number}, its receipts hold "
                f"{len(proven)}"
            )


def _number_of(log: Log) -> str:
    return log.block_number


def _require_order(logs: Sequence[Log]) -> None:
    previous = (-1, -1)
    for log in logs:
        place = (int(log.block_number, 16), int(log.log_index, 16))
        if place <= previous:
            raise ChainMoved(f"log {place[1]} of block {place[0]} came out of order or twice")
        previous = place


def _has_hole(logs: Sequence[Log]) -> bool:
    """Whether a transaction's logs of ours do not follow each other: another contract's log may be
    between them, or one of ours is missing."""
    return any(
        log.transaction_hash == before.transaction_hash
        and int(log.log_index, 16) != int(before.log_index, 16) + 1
        for before, log in pairwise(logs)
    )


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.block_number, header.block_hash, header.block_time)
