"""The books: every token movement as a posting between two accounts, with its month of use and the
month in which it is booked."""

from __future__ import annotations

from typing import get_args

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.known import Known
from indexer.rows import Rows
from protocol.periods import booking_month
from protocol.postings import MoneyEvent, postings_of
from protocol.types import ContractAddress, UnixSeconds

MONEY: tuple[type, ...] = get_args(MoneyEvent)
"""The events that move money."""


class Bookkeeper:
    """Knows the contracts that hold tokens for others."""

    def __init__(
        self, settlement: ContractAddress, treasury: ContractAddress, known: Known
    ) -> None:
        self._settlement = settlement
        self._treasury = treasury
        self._known = known

    def add_postings(self, rows: Rows, placed: PlacedEvent) -> None:
        """The postings of an event that moves money."""
        month = booking_month(UnixSeconds(placed.block.block_time))
        place = (placed.block.block_number, placed.log_index)
        event = placed.event
        assert isinstance(event, MoneyEvent)
        postings = postings_of(event, self._known.lines_of, self._settlement, self._treasury)
        for index, posting in enumerate(postings):
            rows.add(
                tables.postings,
                (
                    *place,
                    index,
                    posting.source,
                    posting.target,
                    posting.amount_minor,
                    posting.period,
                    month,
                    posting.agreement_id,
                    posting.category,
                ),
            )
