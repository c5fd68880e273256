"""The books: every token movement as a posting between two accounts, with its month of use and the
month in which it is booked."""

from __future__ import annotations

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.rows import Row, fact_row
from indexer.projections.terms import LinesOf
from protocol import events
from protocol.periods import booking_month
from protocol.postings import (
    Posting,
    postings_of_payment,
    postings_of_transfer,
    postings_of_usage,
)
from protocol.types import ContractAddress


def rows_of(
    placed: PlacedEvent,
    lines_of: LinesOf,
    settlement: ContractAddress,
    treasury: ContractAddress,
) -> list[Row]:
    """Rows of one event; none if the event moves no money."""
    month = booking_month(placed.origin.block_time)
    agreement_id = getattr(placed.event, "agreement_id", None)
    return [
        fact_row(
            tables.postings,
            placed,
            index,
            posting.source,
            posting.target,
            posting.amount_minor,
            posting.period,
            month,
            agreement_id,
        )
        for index, posting in enumerate(_postings(placed.event, lines_of, settlement, treasury))
    ]


def _postings(
    event: object,
    lines_of: LinesOf,
    settlement: ContractAddress,
    treasury: ContractAddress,
) -> tuple[Posting, ...]:
    match event:
        case events.Transfer():
            return postings_of_transfer(event, settlement, treasury)
        case events.UsageSettled():
            return postings_of_usage(event, lines_of(event.agreement_id))
        case (
            events.Deposited()
            | events.Left()
            | events.BalanceClaimed()
            | events.CommissionPaidOut()
        ):
            return postings_of_payment(event)
    return ()
