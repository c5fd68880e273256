"""Agreements: their terms as published, and their parties. Signatures and changes of state are
facts."""

from __future__ import annotations

from typing import Any

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.known import Known
from indexer.rows import Rows
from protocol.events import AgreementProposed
from protocol.terms_json import terms_to_json


def proposal_values(event: AgreementProposed) -> tuple[Any, ...]:
    """The row of the agreement after its place."""
    return (event.agreement_id, event.parent, terms_to_json(event.terms))


def add_proposal(rows: Rows, known: Known, placed: PlacedEvent) -> None:
    """The agreement, and a row for each party."""
    event = placed.event
    assert isinstance(event, AgreementProposed)
    known.take_lines(event.agreement_id, event.terms.lines)
    place = (placed.block.block_number, placed.log_index)
    rows.add(tables.agreements, (*place, *proposal_values(event)))
    for index, party in enumerate(event.terms.parties):
        rows.add(tables.agreement_parties, (*place, index, event.agreement_id, party))
