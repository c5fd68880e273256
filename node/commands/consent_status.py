"""Where a consent stands: the protocol's status of what the index says, and what this node has
promised but the chain does not have yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement
from indexer.queries.consents import consent_facts
from node import tables
from node.db import query
from protocol.consent import ConsentState, ConsentStatus, status_at
from protocol.entries import Entry, leaf_of
from protocol.types import (
    AgreementId,
    HolderAddress,
    Leaf,
    OrganisationId,
    UnixSeconds,
)

QUEUED = "queued"
WITHDRAWAL_PENDING = "withdrawal-pending"


@dataclass(frozen=True, slots=True)
class KnownConsent:
    """A consent whose entry this node holds."""

    entry: Entry
    assurance: str
    sealed_record: bytes
    wrapped_key: bytes | None


async def find_consent(connection: AsyncConnection, leaf: bytes) -> KnownConsent | None:
    """A consent that the current scope may see, by its leaf."""
    statement = select(tables.consents).where(tables.consents.c.leaf == leaf).limit(1)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return KnownConsent(entry_of_row(row), row.assurance, row.sealed_record, row.wrapped_key)


def entry_of_row(row: Row[Any]) -> Entry:
    """The entry from the columns of `node.consents`."""
    return Entry(
        agreement_id=AgreementId(row.agreement_id),
        issuer=OrganisationId(row.issuer),
        holder=HolderAddress(row.holder),
        valid_from=UnixSeconds(int(row.valid_from)),
        valid_until=UnixSeconds(int(row.valid_until)),
        commitment=row.commitment,
    )


async def consent_status(
    connection: AsyncConnection, entry: Entry, registry: bytes, now: int
) -> tuple[str, ConsentStatus]:
    """The state that a caller sees, and the protocol's status behind it.

    From the moment this node has accepted a withdrawal the state is `withdrawal-pending`, whatever
    the chain still says; an anchored consent whose anchor only waits is `queued`.
    """
    facts = await query(connection, consent_facts, entry, registry)
    agreement = await query(connection, find_agreement, entry.agreement_id)
    agreement_facts = agreement.facts if agreement else None
    status = status_at(entry, facts, agreement_facts, UnixSeconds(now))
    leaf = leaf_of(entry)
    if status.ended_by is None and await is_withdrawal_accepted(connection, leaf):
        return WITHDRAWAL_PENDING, status
    if status.state is ConsentState.NOT_ANCHORED and await waits_to_be_anchored(connection, leaf):
        return QUEUED, status
    return status.state.value, status


async def is_withdrawal_accepted(connection: AsyncConnection, leaf: Leaf) -> bool:
    """Whether this node has promised to bring a withdrawal of the leaf to the chain."""
    statement = select(tables.withdrawals.c.leaf).where(tables.withdrawals.c.leaf == leaf)
    return (await connection.execute(statement)).first() is not None


async def waits_to_be_anchored(connection: AsyncConnection, leaf: Leaf) -> bool:
    """Whether this node has promised to anchor the leaf."""
    statement = text("SELECT node.waits_to_be_anchored(:leaf)")
    return bool((await connection.execute(statement, {"leaf": leaf})).scalar_one())
