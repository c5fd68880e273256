"""The gate: where consents stand, by the protocol's status of what the index says, and by what this
node has promised but the chain does not have yet.

From the moment this node has accepted a withdrawal the state is `withdrawal-pending`, whatever the
chain still says; a consent whose anchor only waits is `queued`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BindParameter, LargeBinary, Row, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from indexer.queries.agreements import find_agreement_facts
from indexer.queries.consents import consent_facts
from indexer.queries.freshness import Freshness
from node import tables
from node.db import query
from protocol.agreement import AgreementFacts
from protocol.consent import ConsentState, ConsentStatus, status_at
from protocol.entries import Entry, leaf_of
from protocol.types import AgreementId, HolderAddress, Leaf, OrganisationId, UnixSeconds

BYTES_ARRAY: TypeEngine[Any] = ARRAY(LargeBinary)
QUEUED = "queued"
WITHDRAWAL_PENDING = "withdrawal-pending"
AGREEMENTS_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class KnownConsent:
    """A consent whose entry this node holds."""

    entry: Entry
    assurance: str
    sealed_record: bytes
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """The state that a caller sees, and the protocol's status behind it."""

    state: str
    status: ConsentStatus

    @property
    def is_active(self) -> bool:
        """Whether data may flow."""
        return self.state == ConsentState.ACTIVE


class Gate:
    """Answers for one ledger; remembers agreements as of one block, at which they cannot change."""

    def __init__(self, consent_registry: bytes) -> None:
        self._registry = consent_registry
        self._block_hash = b""
        self._agreements: dict[AgreementId, AgreementFacts | None] = {}

    async def statuses(
        self,
        connection: AsyncConnection,
        entries: Sequence[Entry],
        freshness: Freshness,
        time: UnixSeconds,
    ) -> list[ConsentStatus]:
        """Where the consents stood at a time, by what the chain had recorded until then."""
        facts = await query(connection, consent_facts, entries, self._registry)
        return [
            status_at(entry, known, await self._agreement_of(connection, entry, freshness), time)
            for entry, known in zip(entries, facts, strict=True)
        ]

    async def ask(
        self, connection: AsyncConnection, entries: Sequence[Entry], freshness: Freshness
    ) -> list[GateAnswer]:
        """Where the consents stand now, in order, in a handful of queries for any number."""
        leaves = [leaf_of(entry) for entry in entries]
        withdrawn = await _accepted_withdrawals(connection, leaves)
        now = UnixSeconds(freshness.now)
        statuses = await self.statuses(connection, entries, freshness, now)
        missing = [
            leaf
            for leaf, status in zip(leaves, statuses, strict=True)
            if status.state is ConsentState.NOT_ANCHORED
        ]
        waiting = await _waiting_to_be_anchored(connection, missing) if missing else set()
        answers = []
        for leaf, status in zip(leaves, statuses, strict=True):
            state = status.state.value
            if status.ended_by is None and leaf in withdrawn:
                state = WITHDRAWAL_PENDING
            elif leaf in waiting:
                state = QUEUED
            answers.append(GateAnswer(state, status))
        return answers

    def remembered(self, freshness: Freshness) -> dict[AgreementId, AgreementFacts | None]:
        """What is known of agreements as of a block; for whoever asks to fill."""
        full = len(self._agreements) >= AGREEMENTS_REMEMBERED_MAX
        if full or self._block_hash != freshness.block.block_hash:
            self._agreements = {}
            self._block_hash = freshness.block.block_hash
        return self._agreements

    async def _agreement_of(
        self, connection: AsyncConnection, entry: Entry, freshness: Freshness
    ) -> AgreementFacts | None:
        remembered = self.remembered(freshness)
        if entry.agreement_id not in remembered:
            found = await query(connection, find_agreement_facts, entry.agreement_id)
            remembered[entry.agreement_id] = found
        return remembered[entry.agreement_id]


async def find_consent(connection: AsyncConnection, leaf: bytes) -> KnownConsent | None:
    """A consent that the current scope may see, by its leaf."""
    return (await find_consents(connection, [leaf])).get(Leaf(leaf))


async def find_consents(
    connection: AsyncConnection, leaves: Sequence[bytes]
) -> dict[Leaf, KnownConsent]:
    """Consents that the current scope may see, by their leaves."""
    statement = select(tables.consents).where(tables.consents.c.leaf == any_(_array(leaves)))
    return {
        row.leaf: KnownConsent(entry_of_row(row), row.assurance, row.sealed_record, row.wrapped_key)
        for row in await connection.execute(statement)
    }


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


async def waits_to_be_anchored(connection: AsyncConnection, leaf: Leaf) -> bool:
    """Whether this node has promised to anchor the leaf."""
    return leaf in await _waiting_to_be_anchored(connection, [leaf])


async def _waiting_to_be_anchored(
    connection: AsyncConnection, leaves: Sequence[bytes]
) -> set[bytes]:
    statement = text(
        "SELECT leaf FROM unnest(CAST(:leaves AS bytea[])) AS leaf"
        " WHERE node.waits_to_be_anchored(leaf)"
    )
    return set((await connection.execute(statement, {"leaves": list(leaves)})).scalars())


async def _accepted_withdrawals(connection: AsyncConnection, leaves: Sequence[bytes]) -> set[bytes]:
    withdrawals = tables.withdrawals
    statement = select(withdrawals.c.leaf).where(withdrawals.c.leaf == any_(_array(leaves)))
    return set((await connection.execute(statement)).scalars())


def _array(values: Sequence[bytes]) -> BindParameter[Any]:
    return literal(list(values), BYTES_ARRAY)
