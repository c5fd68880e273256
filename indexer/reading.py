"""Reads a range of blocks and makes sure that it is whole.

A node may lag, change its mind between two answers, forget logs or answer from another machine's
memory. So the blocks must hang together and follow the cursor, the logs must be of these blocks,
and where a header says that there are logs of ours which did not come, the block's receipts decide:
they must hash to the header's `receiptsRoot`. Near the head, where nodes forget most, they are
asked for every block that could hold an event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from indexer.chain import Chain, Header, Log
from indexer.cursor import BlockRef
from indexer.ranges import RangeSize, block_bytes_max
from indexer.receipts import bloom_mask, receipts_root
from indexer.rpc import ANSWER_BYTES_MAX, ChainRefused, ChainUnreachable

REQUESTS_AHEAD = 2
"""Ranges whose logs are asked for at once: the node works on one, another comes over the wire."""
HEADERS_ALL_MAX = 1_000
"""Up to so many blocks, every header is read; of more, those that count."""
RECEIPTS_NEAR_HEAD_BLOCKS = 8
BLOOM_BITS_TELLING_MAX = 800
"""With more of its 2,048 bits set, a filter announces in vain more than once in twenty times."""

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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A range whose logs are on their way, with the headers that are known of it."""

    first: int
    last: int
    headers: dict[int, Header]
    answer: Future[tuple[Header, list[Log]]]


class Reader:
    """Reads one chain's logs of our contracts."""

    def __init__(self, chain: Chain, addresses: Sequence[bytes], remembered_blocks: int) -> None:
        self._chain = chain
        self._addresses = ["0x" + address.hex() for address in addresses]
        self._masks = [bloom_mask(address) for address in addresses]
        self._remembered_blocks = remembered_blocks
        self._size = RangeSize()
        self._requests = ThreadPoolExecutor(REQUESTS_AHEAD, thread_name_prefix="logs")

    def readings(self, before: BlockRef, head: Header) -> Generator[Reading, None, None]:
        """The blocks after `before` up to the head, range after range; at the head, none. While
        one is awaited, checked or used, the node already works on the next.

        Raises ChainMoved, ChainUnreachable, and ChainRefused where the node refuses one block.
        """
        asked: deque[_Asked] = deque()
        try:
            while before.block_number < head.block_number:
                while len(asked) < REQUESTS_AHEAD:
                    first = (asked[-1].last if asked else before.block_number) + 1
                    if first > head.block_number:
                        break
                    asked.append(self._ask(first, head))
                awaited = asked.popleft()
                try:
                    last_header, logs = awaited.answer.result()
                except (ChainRefused, ChainUnreachable) as error:
                    _forget(asked)
                    asked.clear()
                    if not self._size.halve(awaited.last - awaited.first + 1):
                        raise
                    reason = str(error)
                    logger.info(
                        "range_halved", first=awaited.first, last=awaited.last, reason=reason
                    )
                    continue
                reading = self._check(awaited, last_header, logs, before, head)
                before = reading.last
                yield reading
        finally:
            _forget(asked)

    def halve(self, blocks: int) -> bool:
        """After a range of so many that was of no use: the next is half as long; False if it was
        one block."""
        return self._size.halve(blocks)

    def _ask(self, first: int, head: Header) -> _Asked:
        last, headers = self._next_range(first, head)
        bytes_max = ANSWER_BYTES_MAX
        if first == last:  # which no shorter range can stand for
            bytes_max = block_bytes_max(headers[first].gas)
        ask = self._chain.logs
        answer = self._requests.submit(ask, first, last, self._addresses, bytes_max)
        return _Asked(first, last, headers, answer)

    def _check(
        self,
        asked: _Asked,
        last_header: Header,
        logs: Sequence[Log],
        before: BlockRef,
        head: Header,
    ) -> Reading:
        first, last, headers = asked.first, asked.last, asked.headers
        try:
            groups = group_by_block(logs)
        except ValueError as error:
            raise ChainUnreachable(
                f"the place of a log is no hexadecimal number: {error}"
            ) from error
        gas_used = sum(header.gas for header in headers.values())
        log_bytes = sum(group.bytes_on_wire for group in groups.values())
        self._size.learn(last - first + 1, gas_used, log_bytes)
        self._add_headers(headers, [first, *groups], last_header)
        self._require_chain(headers, before, groups)
        self._require_whole(headers, head, logs, groups)
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

    def _next_range(self, first: int, head: Header) -> tuple[int, dict[int, Header]]:
        """The last block to ask for, and the headers up to it unless there are too many."""
        last = self._size.last_block(first, head.block_number)
        if last - first >= HEADERS_ALL_MAX:
            return last, {}
        headers = self._read_headers(range(first, last + 1))
        count = self._size.fitting([header.gas for header in headers.values()])
        return first + count - 1, dict(list(headers.items())[:count])

    def _read_headers(self, numbers: Sequence[int]) -> dict[int, Header]:
        found = {}
        for number, header in zip(numbers, self._chain.headers(numbers), strict=True):
            if header is None:
                raise ChainMoved(f"block {number} is gone")
            found[number] = header
        return found

    def _add_headers(
        self, headers: dict[int, Header], carrying: Sequence[int], last_header: Header
    ) -> None:
        """Completes them with those of the last blocks and of those that carry logs."""
        first, last = carrying[0], last_header.block_number
        if not first <= min(carrying) <= max(carrying) <= last:
            raise ChainMoved(f"logs of block {min(carrying)} or {max(carrying)} came unasked")
        near_end = range(max(first, last - self._remembered_blocks), last)
        wanted = sorted({*near_end, *carrying} - headers.keys() - {last})
        headers.update(self._read_headers(wanted))
        headers[last] = last_header

    def _require_chain(
        self, headers: Mapping[int, Header], before: BlockRef, groups: Mapping[int, BlockLogs]
    ) -> None:
        """They follow the block before and each other, and carry the logs."""
        first = before.block_number + 1
        for number, header in headers.items():
            parent = headers.get(number - 1)
            expected = before.block_hash if number == first else parent and parent.block_hash
            if expected is not None and header.parent_block_hash != expected:
                raise ChainMoved(f"block {number} does not follow block {number - 1}")
        for number, group in groups.items():
            if group.block_hash != headers[number].hash:
                raise ChainMoved(f"logs of block {number} are of another block")

    def _require_whole(
        self,
        headers: Mapping[int, Header],
        head: Header,
        logs: Sequence[Log],
        groups: Mapping[int, BlockLogs],
    ) -> None:
        for number, header in headers.items():
            group = groups.get(number, NO_LOGS)
            bloom = int(header.logs_bloom, 16)
            announced = [
                address
                for address, mask in zip(self._addresses, self._masks, strict=True)
                if bloom & mask == mask
            ]
            is_near_head = number > head.block_number - RECEIPTS_NEAR_HEAD_BLOCKS
            if not announced and not group.has_hole and group.start == group.end:
                continue
            ours = logs[group.start : group.end]
            emitters = {log.address.lower() for log in ours}
            if not emitters <= set(announced):
                raise ChainMoved(
                    f"block {number} has logs that its header's filter knows nothing of"
                )
            is_telling = bloom.bit_count() <= BLOOM_BITS_TELLING_MAX
            if is_near_head or group.has_hole or (is_telling and not emitters >= set(announced)):
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


@dataclass(slots=True)
class BlockLogs:
    """The logs of one block: from `start` to before `end` of those that came. `has_hole` where a
    transaction's logs do not follow each other: another contract's log may be between them, or one
    of ours is missing."""

    start: int
    end: int
    block_hash: str
    has_hole: bool = False
    bytes_on_wire: int = 0


NO_LOGS = BlockLogs(0, 0, "")
HASH_BYTES = 32
LOG_BYTES = 700
"""What a log takes on the wire besides its data, about."""


def group_by_block(logs: Sequence[Log]) -> dict[int, BlockLogs]:
    """Logs by height. Raises ChainMoved unless they are in the order of the chain, of one block at
    each height, and none is there twice; ValueError where their places are not hexadecimal."""
    groups: dict[int, BlockLogs] = {}
    number = ""
    transaction: str | None = None
    height = last_index = -1
    group = NO_LOGS
    for place, log in enumerate(logs):
        index = int(log.log_index, 16)
        if log.block_number != number:
            number, transaction, last_index = log.block_number, None, -1
            if int(number, 16) <= height:
                raise ChainMoved(f"logs of block {height} came before those of {int(number, 16)}")
            height = int(number, 16)
            group = groups[height] = BlockLogs(place, place, log.block_hash)
        if index <= last_index:
            raise ChainMoved(f"log {index} of block {height} came out of order or twice")
        if log.block_hash != group.block_hash or log.removed:
            raise ChainMoved(f"log {index} of block {height} is of another block")
        if log.transaction_hash != transaction:
            transaction = log.transaction_hash
            if len(bytes.fromhex(transaction[2:])) != HASH_BYTES:
                raise ValueError(f"{transaction!r} is no hash")
        elif index != last_index + 1:
            group.has_hole = True
        group.end = place + 1
        group.bytes_on_wire += len(log.data) + LOG_BYTES
        last_index = index
    return groups


def _forget(asked: Iterable[_Asked]) -> None:
    """Lets no request outlive those who wanted its answer."""
    for each in asked:
        if not each.answer.cancel():
            each.answer.exception()


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.block_number, header.block_hash, header.block_time)
