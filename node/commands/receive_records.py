"""Takes records, and orders to erase them, that other nodes deliver to an organisation hosted here.

Each is judged by itself: what holds together and is this recipient's is kept, what is not is
refused for good, what the index cannot know yet is asked for again later. All of it may be
repeated, and an order to erase may overtake its record: then the record never comes in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement_facts
from indexer.queries.freshness import Freshness
from indexer.queries.participants import ParticipantRow, find_participant
from node import tables
from node.commands.authority import speaks_for
from node.commands.block_memory import BlockMemory
from node.commands.check_records import RECORDS_AT_A_TIME, CheckedRecord
from node.commands.grant_consents import insert_consents
from node.commands.required_assurance import find_required_assurance
from node.contracts import Deployment
from node.db import act_as, lock
from node.intake.quick_records import check_quickly
from node.problems import Problem
from protocol.assurance import is_at_least
from protocol.errors import AssuranceTooWeak, ProtocolError, SchemaInvalid
from protocol.record import Record, recipient_ids
from protocol.types import Leaf, OrganisationId, Scope, to_hex

Outcome = Literal["stored", "erased", "refused", "later"]


class Received(NamedTuple):
    """What became of one item of a delivery; `reason` says why it is not kept."""

    outcome: Outcome
    leaf: Leaf | None
    reason: str | None = None


class Refused(Exception):
    """An item that this node will never take; the text says why."""


class NotYet(Exception):
    """An item that the index does not explain yet; the text says why."""


class Reception:
    """One delivery: who sends, to whom."""

    def __init__(
        self,
        connection: AsyncConnection,
        deployment: Deployment,
        master_key: bytes,
        sender: ParticipantRow,
        recipient: OrganisationId,
        memory: BlockMemory,
        freshness: Freshness,
    ) -> None:
        self._connection = connection
        self._deployment = deployment
        self._master_key = master_key
        self._sender = sender
        self._recipient = recipient
        self._now = freshness.now
        self._find = partial(memory.find, connection, freshness.block.block_hash)

    async def begin(self) -> None:
        """Acts for the recipient from here on; nobody else receives for it meanwhile. Raises a
        problem if it is not hosted here."""
        statement = text("SELECT node.is_hosted(:organisation)")
        hosted = await self._connection.execute(statement, {"organisation": self._recipient})
        if not hosted.scalar_one():
            detail = f"{to_hex(self._recipient)} is not hosted on this node."
            raise Problem.of("recipient-not-hosted", detail).about("recipient")
        await act_as(self._connection, self._recipient)
        await lock(self._connection, f"records:{self._recipient.hex()}")

    async def take_records(self, values: Sequence[dict[str, Any]]) -> list[Received]:
        """Keeps those that are this recipient's; what became of each, in order."""
        read: list[CheckedRecord | Received] = []
        for index, value in enumerate(values):
            read.append(self._read(value))
            if index % RECORDS_AT_A_TIME == RECORDS_AT_A_TIME - 1:
                await asyncio.sleep(0)  # a large delivery lets others have their turn
        erased = await self._erased([each.leaf for each in read if each.leaf is not None])
        received, kept = [], []
        for each in read:
            if isinstance(each, CheckedRecord):
                judged = await self._judged(each, erased)
                if judged.outcome == "stored":
                    kept.append(each)
                received.append(judged)
            else:
                received.append(each)
        if kept:
            await insert_consents(self._connection, self._master_key, self._recipient, kept)
        return received

    def _read(self, value: dict[str, Any]) -> CheckedRecord | Received:
        try:
            record, found = check_quickly(value)
        except SchemaInvalid as error:
            # Its reason repeats the value, and the sender keeps what it is told beside the record.
            return Received("refused", None, f"The record breaks its schema at {error.where}.")
        except ProtocolError as error:
            return Received("refused", None, str(error))
        return CheckedRecord(record, found.leaf)

    async def _erased(self, leaves: Sequence[bytes]) -> set[tuple[bytes, bytes]]:
        """Issuers and leaves of the records among these that the recipient has erased."""
        erased = tables.erased_records
        statement = select(erased.c.issuer, erased.c.leaf).where(
            erased.c.organisation_id == self._recipient, erased.c.leaf.in_(leaves)
        )
        return {(row.issuer, row.leaf) for row in await self._connection.execute(statement)}

    async def _judged(self, item: CheckedRecord, erased: set[tuple[bytes, bytes]]) -> Received:
        try:
            await self._judge(item, erased)
        except Refused as error:
            return Received("refused", item.leaf, str(error))
        except NotYet as error:
            return Received("later", item.leaf, str(error))
        return Received("stored", item.leaf)

    async def erase(self, leaf: Leaf, issuer: OrganisationId) -> Received:
        """Erases what there is, and remembers the leaf so that the record does not come (back)."""
        try:
            await self._require_sender_for(issuer)
        except Refused as error:
            return Received("refused", leaf, str(error))
        await erase_record(self._connection, leaf, issuer)
        return Received("erased", leaf)

    async def _judge(self, item: CheckedRecord, erased: set[tuple[bytes, bytes]]) -> None:
        """Raises Refused or NotYet."""
        record, entry = item.record, item.record.entry
        registry = self._deployment.address_bytes("ConsentRegistry")
        if record.chain_id != self._deployment.chain_id or record.registry != registry:
            raise Refused(
                f"The record is for registry {to_hex(record.registry)} on chain {record.chain_id}; "
                f"this node serves {to_hex(registry)} on chain {self._deployment.chain_id}."
            )
        if self._recipient not in recipient_ids(record.document):
            raise Refused(f"The document does not name {to_hex(self._recipient)} as a recipient.")
        await self._require_sender_for(entry.issuer)
        if (entry.issuer, item.leaf) in erased:
            raise Refused(
                f"The record behind {to_hex(item.leaf)} was erased by its issuer's order."
            )
        agreement = await self._find(find_agreement_facts, entry.agreement_id)
        if agreement is None:
            raise NotYet(f"The index does not know the agreement {to_hex(entry.agreement_id)}.")
        for party in (entry.issuer, self._recipient):
            if party not in agreement.parties:
                raise Refused(f"{to_hex(party)} is no party of the agreement.")
        await self._require_assurance(record)

    async def _require_assurance(self, record: Record) -> None:
        proven = record.document.assurance
        try:
            required = await self._find(find_required_assurance, record.entry.agreement_id)
        except ProtocolError as error:
            raise Refused(str(error)) from error
        if not is_at_least(proven, required):
            raise Refused(str(AssuranceTooWeak(proven=proven.value, required=required.value)))

    async def _require_sender_for(self, issuer: OrganisationId) -> None:
        participant = await self._find(find_participant, issuer)
        if participant is None or not speaks_for(
            self._sender.organisation, participant, Scope.ANCHOR, self._now
        ):
            raise Refused(f"{self._sender.did} neither is {to_hex(issuer)} nor anchors for it.")


async def erase_record(connection: AsyncConnection, leaf: Leaf, issuer: OrganisationId) -> None:
    """Erases the current organisation's copy, and every copy here if it is the issuer."""
    statement = text("SELECT node.erase_record(:leaf, :issuer)")
    await connection.execute(statement, {"leaf": leaf, "issuer": issuer})


async def issuers_who_erased(
    connection: AsyncConnection, organisation: bytes, leaf: bytes
) -> list[OrganisationId]:
    """By whose order the organisation, which is the current one, has erased a record with this
    leaf; whoever gives such an order may have nothing to do with the consent."""
    erased = tables.erased_records
    statement = select(erased.c.issuer).where(
        erased.c.organisation_id == organisation, erased.c.leaf == leaf
    )
    return [OrganisationId(issuer) for issuer in (await connection.execute(statement)).scalars()]
