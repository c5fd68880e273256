"""What the index holds of a block against what the block's header proves.

The header's fields must hash to the block's hash, which the next block names as its parent; the
receipts must hash to the header's `receiptsRoot`; and the logs of ours in these receipts, counted
in their order, must be what the index holds, no more and no less. So a node that hides a log from
`eth_getLogs` is found. Of a transaction's hash, receipts prove nothing: it is compared as the node
says it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from indexer import tables
from indexer.chain import Chain, Log, Receipt, WholeHeader
from indexer.cursor import BlockRef, Proven
from indexer.decode import CONTRACT_EVENTS, Decoder, PlacedEvent, UndecodableLog
from indexer.headers import is_own_hash
from indexer.patience import ATTEMPTS_MAX, ask_patiently
from indexer.projections.settlements import lines_settled
from indexer.projections.stored import stored_values
from indexer.queries.agreements import price_lines_of
from indexer.queries.stored import Fact, facts_of_blocks, known_blocks, leaves_at
from indexer.reading import ChainMoved
from indexer.receipts import bloom_mask, receipts_root
from protocol.events import LeavesAnchored, UsageSettled

HEADERS_AT_ONCE = 99
"""With the one that follows, as many as one request asks for."""
GAS_AT_ONCE = 30_000_000
"""The rows of so much gas are compared together: some thousand events."""
EMPTY_ROOT = "0x" + receipts_root([]).hex()
VALUES_SHOWN_MAX = 160

FactText = tuple[int, str, str]
"""A fact with its values as text, which can be counted."""


@dataclass(frozen=True, slots=True)
class BlockFault:
    """What is wrong with a block, as a sentence's end."""

    block_number: int
    problem: str

    def __str__(self) -> str:
        return f"block {self.block_number}: {self.problem}"


class BlockChecker:
    """Compares blocks of one chain with one index, up to a block that both have.

    A block that follows the one before it among those checked must name it as its parent; `after`
    is the hash of one that was checked earlier. Where `blooms_tell`, a block whose filter has none
    of our contracts needs no receipts: the header's hash proves the filter, too.
    """

    def __init__(
        self,
        connection: Connection,
        chain: Chain,
        addresses: Mapping[str, bytes],
        last: BlockRef,
        after: Proven | None = None,
        blooms_tell: bool = False,
        attempts: int = ATTEMPTS_MAX,
    ) -> None:
        self._connection = connection
        self._chain = chain
        self._decoder = Decoder(addresses)
        self._last = last
        self._masks = [bloom_mask(addresses[name]) for name in CONTRACT_EVENTS]
        self._blooms_tell = blooms_tell
        self._attempts = attempts
        self.checked = after

    def check(
        self,
        numbers: Sequence[int],
        on_check: Callable[[int], None],
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[BlockFault]:
        """What is wrong with these blocks, which ascend; `checked` is the last one so far.

        Raises ChainError and ChainMoved where the node does not answer with these blocks.
        """
        for start in range(0, len(numbers), HEADERS_AT_ONCE):
            asked = numbers[start : start + HEADERS_AT_ONCE]
            headers = ask_patiently(partial(self._read_headers, asked), self._attempts)
            for chunk in _by_gas(asked, headers):
                yield from self._check_chunk(chunk, headers)
                on_check(len(chunk))
                if should_stop():
                    return

    def _check_chunk(
        self, chunk: Sequence[int], headers: Mapping[int, WholeHeader]
    ) -> Iterator[BlockFault]:
        stored = facts_of_blocks(self._connection, chunk)
        known = known_blocks(self._connection, chunk)
        for number in chunk:
            yield from self._check_header(number, headers)
            yield from self._check_logs(headers[number], stored.get(number, []), known.get(number))
            self.checked = Proven(number, headers[number].block_hash)

    def _read_headers(self, numbers: Sequence[int]) -> dict[int, WholeHeader]:
        """Theirs and those of the blocks that follow them."""
        following = {number + 1 for number in numbers if number < self._last.block_number}
        asked = sorted({*numbers, *following})
        found = {}
        for number, header in zip(asked, self._chain.whole_headers(asked), strict=True):
            if header is None or header.block_number != number:
                raise ChainMoved(f"the node has no block {number} any more")
            found[number] = header
        return found

    def _check_header(
        self, number: int, headers: Mapping[int, WholeHeader]
    ) -> Iterator[BlockFault]:
        header = headers[number]
        if not is_own_hash(header):
            yield BlockFault(number, f"its header does not hash to {header.hash}")
        before = self.checked
        # Of blocks that were asked for together this was said with the one before.
        if before is not None and number - 1 == before.block_number and number - 1 not in headers:
            parent = before.block_hash
        else:
            parent = header.parent_block_hash
        if parent != header.parent_block_hash:
            yield BlockFault(number, f"it does not follow block {number - 1}")
        if number == self._last.block_number:
            if header.block_hash != self._last.block_hash:
                raise ChainMoved(f"the node has another block {number} than the index")
        elif headers[number + 1].parent_block_hash != header.block_hash:
            yield BlockFault(number + 1, f"it does not follow block {number}")

    def _check_logs(
        self, header: WholeHeader, facts: Sequence[Fact], known: BlockRef | None
    ) -> Iterator[BlockFault]:
        number = header.block_number
        if self._blooms_tell and not facts and known is None and not self._announces(header):
            return
        receipts: list[Receipt] = []
        if header.receipts_root != EMPTY_ROOT:  # which proves that there are none
            receipts = ask_patiently(partial(self._chain.receipts, header), self._attempts)
        root = "0x" + receipts_root(receipts).hex()
        if root != header.receipts_root:
            problem = f"its receipts hash to {root}, its header says {header.receipts_root}"
            yield BlockFault(number, problem)
        block = BlockRef(number, header.block_hash, header.block_time)
        proven, batches = self._project(receipts, block)
        if known != (block if proven else None):
            yield BlockFault(number, f"the index has {_show(known)} of it, the chain {block}")
        for problem in _differences(Counter(map(_as_text, facts)), Counter(map(_as_text, proven))):
            yield BlockFault(number, problem)
        for batch in batches:
            yield from self._check_leaves(number, batch)

    def _announces(self, header: WholeHeader) -> bool:
        bloom = int(header.logs_bloom, 16)
        return any(bloom & mask == mask for mask in self._masks)

    def _project(
        self, receipts: Sequence[Receipt], block: BlockRef
    ) -> tuple[list[Fact], list[LeavesAnchored]]:
        """The facts in receipts; a log's index is its place among all of the block."""
        facts: list[Fact] = []
        batches, index = [], -1
        for receipt in receipts:
            is_begun = False
            for log in receipt.logs:
                index += 1
                fact, event = self._fact(log, block, index)
                if fact is None:
                    continue
                if not is_begun:
                    begun = bytes.fromhex(receipt.transaction_hash[2:])
                    facts.append((index, tables.transactions.name, (begun,)))
                is_begun = True
                facts.append(fact)
                if event is not None and isinstance(event.event, LeavesAnchored):
                    batches.append(event.event)
        return facts, batches

    def _fact(
        self, log: Log, block: BlockRef, index: int
    ) -> tuple[Fact | None, PlacedEvent | None]:
        log = msgspec.structs.replace(log, log_index=hex(index))
        try:
            placed = self._decoder.decode(log, block)
            if placed is not None and isinstance(placed.event, UsageSettled):
                agreed = price_lines_of(self._connection, placed.event.agreement_id)
                lines_settled(placed.event, agreed)
        except UndecodableLog:
            as_it_came = (self._decoder.contract_of(log), " ".join(log.topics), log.data)
            return (index, tables.quarantined.name, as_it_came), None
        if placed is None:
            return None, None
        table = tables.EVENT_TABLES[type(placed.event)]
        return (index, table.name, stored_values(placed.event)), placed

    def _check_leaves(self, number: int, batch: LeavesAnchored) -> Iterator[BlockFault]:
        first, last = batch.first_index, batch.first_index + len(batch.leaves) - 1
        if leaves_at(self._connection, number, first, last) != batch.leaves:
            yield BlockFault(number, f"leaves {first} to {last} of the index are not the chain's")


def _by_gas(numbers: Sequence[int], headers: Mapping[int, WholeHeader]) -> Iterator[Sequence[int]]:
    start = gas = 0
    for place, number in enumerate(numbers):
        gas += headers[number].gas
        if gas > GAS_AT_ONCE and place > start:
            yield numbers[start:place]
            start, gas = place, headers[number].gas
    yield numbers[start:]


def _as_text(fact: Fact) -> FactText:
    """JSON as its keys sort, numbers as whole numbers whatever type the database gives them."""
    index, table, values = fact
    return index, table, ", ".join(map(_show, values))


def _differences(ours: Counter[FactText], theirs: Counter[FactText]) -> Iterator[str]:
    places: dict[tuple[int, str], tuple[list[str], list[str]]] = {}
    for side, only in enumerate((ours - theirs, theirs - ours)):
        for index, table, values in only.elements():
            places.setdefault((index, table), ([], []))[side].append(values)
    for (index, table), (here, there) in sorted(places.items()):
        yield f"log {index}, {table}: the index has {_cut(here)}, the receipts {_cut(there)}"


def _cut(rows: Sequence[str]) -> str:
    text = "; ".join(rows) if rows else "nothing"
    return text if len(text) <= VALUES_SHOWN_MAX else text[:VALUES_SHOWN_MAX] + "…"


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, BlockRef):
        return f"hash {_show(value.block_hash)} and time {value.block_time}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return str(value) if isinstance(value, str) else str(int(value))
