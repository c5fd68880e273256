"""How a status is known: the facts that it follows from, each with its place on the chain."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, LargeBinary, literal, null, select, union_all

from indexer import tables
from indexer.queries.consents import endings_of, find_anchoring
from indexer.queries.places import in_block, transaction_of
from protocol import events
from protocol.entries import Entry, leaf_of
from protocol.types import AgreementId, UnixSeconds

_AGREEMENT_EVENTS = (
    events.AgreementProposed,
    events.AgreementActivated,
    events.AgreementSuspended,
    events.AgreementResumed,
    events.AgreementTerminated,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event by its name, whose doing it was (None where it is nobody's alone), and where it
    stands on the chain."""

    event: str
    by: bytes | None
    happened_at: UnixSeconds
    block_number: int
    log_index: int
    transaction_hash: bytes


def history_of_consent(connection: Connection, entry: Entry, registry: bytes) -> list[Fact]:
    """Its first anchoring, the endings that count, and its agreement's changes of state, in the
    order of the chain. `registry` is the address of the registry of consents."""
    leaf = leaf_of(entry)
    facts = history_of_agreement(connection, entry.agreement_id)
    anchoring = find_anchoring(connection, entry.issuer, leaf)
    if anchoring is not None:
        facts.append(
            Fact(
                events.LeavesAnchored.__name__,
                entry.issuer,
                anchoring.anchored_at,
                anchoring.block_number,
                anchoring.log_index,
                anchoring.transaction_hash,
            )
        )
    for ending in endings_of(connection, leaf, (entry.holder, entry.issuer, registry)):
        place = (ending.ended_at, ending.block_number, ending.log_index, ending.transaction_hash)
        facts.append(Fact(events.ConsentEnded.__name__, ending.who, *place))
    return sorted(facts, key=lambda fact: (fact.block_number, fact.log_index))


def history_of_agreement(connection: Connection, agreement_id: AgreementId) -> list[Fact]:
    """Its proposal and its changes of state, in the order of the chain."""
    blocks = tables.blocks
    of_each_kind = []
    for kind in _AGREEMENT_EVENTS:
        table = tables.EVENT_TABLES[kind]
        by = table.c.organisation if "organisation" in table.c else null().cast(LargeBinary)
        of_each_kind.append(
            select(
                literal(kind.__name__).label("event"),
                by.label("by"),
                blocks.c.block_time,
                table.c.block_number,
                table.c.log_index,
                transaction_of(table).label("transaction_hash"),
            )
            .join(blocks, in_block(table))
            .where(table.c.agreement_id == agreement_id)
        )
    rows = union_all(*of_each_kind).subquery()
    statement = select(rows).order_by(rows.c.block_number, rows.c.log_index)
    return [Fact(*row) for row in connection.execute(statement)]
