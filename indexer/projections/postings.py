"""The books: every token movement as a posting between two accounts, with its month of use and the
month in which it is booked."""

from __future__ import annotations

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.known import Known
from indexer.rows import Rows
from protocol import events
from protocol.periods import booking_month
from protocol.postings import (
    Posting,
    postings_of_payment,
    postings_of_transfer,
    postings_of_usage,
)
from protocol.types import ContractAddress, UnixSeconds

MONEY = (
    events.Transfer,
    events.UsageSettled,
    events.Deposited,
    events.Left,
    events.BalanceClaimed,
    events.CommissionPaidOut,
)
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
        for index, posting in enumerate(self._postings(placed.event)):
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

    def _postings(self, event: events.Event) -> tuple[Posting, ...]:
        match event:
            case events.Transfer():
                return postings_of_transfer(event, self._settlement, self._treasury)
            case events.UsageSettled():
                return postings_of_usage(event, self._known.lines_of(event.agreement_id))
            case (
                events.Deposited()
                | events.Left()
                | events.BalanceClaimed()
                | events.CommissionPaidOut()
            ):
                return postings_of_payment(event)
        raise AssertionError(f"{event} moves no money")
