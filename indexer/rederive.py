"""Derives the books again from the chain's logs, and compares them posting by posting.

Nothing of the index is believed but its cursor: blocks and logs are read and checked as the indexer
reads them, price lines come from the proposals on chain, and postings from the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from indexer.chain import Chain
from indexer.cursor import BlockRef
from indexer.decode import Decoder, PlacedEvent, UndecodableLog
from indexer.projections.settlements import PriceLines, lines_settled
from indexer.reading import ChainMoved, Reader, Reading
from protocol.booking import CSV_HEADER, BookedPosting, book, csv_line
from protocol.events import AgreementProposed, UsageSettled
from protocol.postings import MoneyEvent, postings_of
from protocol.types import AgreementId, ContractAddress

CONTRACTS = ("AgreementRegistry", "UsageToken", "UsageSettlement")
"""Whose events make the books."""
PLACE_COLUMNS = ("block_number", "log_index", "posting_index")


@dataclass(frozen=True, slots=True)
class PostingDifference:
    """A posting that the table and the chain do not have alike; None where one has none."""

    in_table: BookedPosting | None
    on_chain: BookedPosting | None

    def __str__(self) -> str:
        """The columns that differ, or all of a posting that one side lacks, as a CSV file has
        them."""
        either = self.in_table or self.on_chain
        assert either is not None
        block, log, index = either.place
        table, chain = map(_columns, (self.in_table, self.on_chain))
        if table and chain:
            said = ", ".join(
                f"{name} is {value or 'empty'} in the table, {chain[name] or 'empty'} on chain"
                for name, value in table.items()
                if value != chain[name]
            )
        else:
            columns = ", ".join(f"{name} {value}" for name, value in (table or chain).items())
            said = f"{'not in the table' if chain else 'not on chain'}: {columns}"
        return f"block {block}, log {log}, posting {index}: {said}"


def _columns(booked: BookedPosting | None) -> dict[str, str]:
    """Name → value of the columns that the place does not say."""
    if booked is None:
        return {}
    named = zip(CSV_HEADER.strip().split(","), csv_line(booked).strip().split(","), strict=True)
    return {name: value for name, value in named if name not in PLACE_COLUMNS}


def derive_postings(
    chain: Chain, addresses: Mapping[str, bytes], first_block: int, last: BlockRef
) -> Iterator[BookedPosting]:
    """The postings of the chain up to a block, in its order.

    Raises ChainMoved if the chain does not have that block any more, and ChainError.
    """
    settlement = ContractAddress(addresses["UsageSettlement"])
    treasury = ContractAddress(addresses["CommonsTreasury"])
    lines: dict[AgreementId, PriceLines] = {}
    for placed in _events(chain, addresses, first_block, last):
        event = placed.event
        if isinstance(event, AgreementProposed):
            lines[event.agreement_id] = event.terms.lines
        elif isinstance(event, MoneyEvent) and _is_readable(event, lines):
            postings = postings_of(event, lines.__getitem__, settlement, treasury)
            for index, posting in enumerate(postings):
                yield book(posting, placed.origin, index)


def differences(
    table: Iterator[BookedPosting], chain: Iterator[BookedPosting]
) -> Iterator[PostingDifference | None]:
    """For each place of a posting what differs there, or None; both come in the chain's order."""
    ours, theirs = next(table, None), next(chain, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours.place < theirs.place):
            yield PostingDifference(ours, None)
            ours = next(table, None)
        elif ours is None or theirs.place < ours.place:
            yield PostingDifference(None, theirs)
            theirs = next(chain, None)
        else:
            yield None if ours == theirs else PostingDifference(ours, theirs)
            ours, theirs = next(table, None), next(chain, None)


def _is_readable(event: MoneyEvent, lines: Mapping[AgreementId, PriceLines]) -> bool:
    """Whether it moves anything: a settlement that nothing explains is in quarantine."""
    if isinstance(event, UsageSettled):
        try:
            lines_settled(event, lines.get(event.agreement_id))
        except UndecodableLog:
            return False
    return True


def _events(
    chain: Chain, addresses: Mapping[str, bytes], first_block: int, last: BlockRef
) -> Iterator[PlacedEvent]:
    decoder = Decoder(addresses)
    for reading in _readings(chain, addresses, first_block, last):
        for log in reading.logs:
            try:
                placed = decoder.decode(log, reading.blocks[log.block_number])
            except UndecodableLog:  # it is in quarantine, and moves nothing in the books
                continue
            if placed is not None:
                yield placed


def _readings(
    chain: Chain, addresses: Mapping[str, bytes], first_block: int, last: BlockRef
) -> Iterator[Reading]:
    reader = Reader(chain, [addresses[name] for name in CONTRACTS], 0)
    head = chain.header(last.block_number)
    if head.block_hash != last.block_hash:
        raise ChainMoved(
            f"The chain has another block {last.block_number} than the index: wait until the "
            "indexer has followed it, and check again."
        )
    first = chain.header(max(first_block, 1))
    before = BlockRef(first.block_number - 1, first.parent_block_hash, first.block_time)
    yield from reader.readings(before, head)
