"""Agreements: their terms as published, signatures, and the history of their states."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.projections.rows import Row, fact_row
from protocol import events
from protocol.agreement import Terms


def rows_of(placed: PlacedEvent) -> list[Row]:
    """Rows of one event; none if the event is not about agreements."""
    match placed.event:
        case events.AgreementProposed(agreement_id, _, terms):
            return _proposal_rows(placed, agreement_id, terms)
        case events.AgreementSigned(agreement_id, organisation, signer):
            values = (agreement_id, organisation, signer)
            return [fact_row(tables.agreement_signatures, placed, *values)]
        case events.AgreementActivated(agreement_id):
            return [_change(placed, agreement_id, "activated", None, None)]
        case events.AgreementSuspended(agreement_id, organisation, reason_hash):
            return [_change(placed, agreement_id, "suspended", organisation, reason_hash)]
        case events.AgreementResumed(agreement_id, organisation):
            return [_change(placed, agreement_id, "resumed", organisation, None)]
        case events.AgreementTerminated(agreement_id, organisation, reason_hash):
            return [_change(placed, agreement_id, "terminated", organisation, reason_hash)]
    return []


def _change(
    placed: PlacedEvent,
    agreement_id: bytes,
    change: str,
    organisation: bytes | None,
    reason_hash: bytes | None,
) -> Row:
    values = (agreement_id, change, organisation, reason_hash)
    return fact_row(tables.agreement_changes, placed, *values)


def _proposal_rows(placed: PlacedEvent, agreement_id: bytes, terms: Terms) -> list[Row]:
    lines: list[dict[str, Any]] = [
        {
            "payee": "0x" + line.payee.hex(),
            "category": line.category,
            "unit_price_minor": str(line.unit_price),
            "free_units": str(line.free_units),
        }
        for line in terms.lines
    ]
    proposal = fact_row(
        tables.agreements,
        placed,
        agreement_id,
        terms.parent,
        terms.valid_from,
        terms.valid_until,
        terms.policy_hash,
        terms.document_hash,
        terms.rulebook,
        terms.salt,
        Jsonb(["0x" + party.hex() for party in terms.parties]),
        Jsonb(lines),
    )
    parties = [
        Row(tables.agreement_parties, (placed.origin.block_number, agreement_id, party))
        for party in terms.parties
    ]
    return [proposal, *parties]
