"""Promises to anchor consents: checks each record, seals it, and queues its leaf.

All or nothing: one record that does not hold leaves none written.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement_facts
from indexer.queries.freshness import Freshness
from indexer.queries.participants import find_participant
from node import tables
from node.commands.authority import require_speaks_for
from node.commands.block_memory import BlockMemory
from node.contracts import Deployment
from node.db import act_as
from node.intake.quick_records import check_quickly
from node.outbox import IN_VAIN, Promise, enqueue, find_act
from node.problems import Problem, not_found, refused
from node.sealing import seal
from protocol.agreement import AgreementFacts, AgreementStatus, status_at
from protocol.errors import (
    BatchSizeInvalid,
    CommitmentInvalid,
    EntryInvalid,
    NotParty,
    ProtocolError,
    RecordInvalid,
    SchemaInvalid,
)
from protocol.padding import padded_size
from protocol.record import Record, recipient_ids, record_value
from protocol.types import AgreementId, Leaf, OrganisationId, Scope, UnixSeconds, to_hex

PLAIN_WORDS = {
    r"^'(?P<name>[^']+)' is a required property$": "it is missing",
    r"^Additional properties are not allowed \('(?P<name>[^']+)'": "there is no such field",
    r" is not of type '(?P<type>\w+)'$": "it is not of the type {type}",
    r" does not match '\^0x.*\{(?P<digits>\d+)\}\$'$": (
        "it is not 0x and {digits} hexadecimal digits"
    ),
    r" does not match ": "the text has another form",
}
"""The validator's reasons, and ours."""


RECORDS_AT_A_TIME = 20


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record that holds together, and the leaf that stands for it on chain."""

    record: Record
    leaf: Leaf


async def grant_consents(
    connection: AsyncConnection,
    deployment: Deployment,
    master_key: bytes,
    operator: OrganisationId,
    memory: BlockMemory,
    issuer: OrganisationId,
    records: list[dict[str, Any]],
    freshness: Freshness,
) -> list[Leaf]:
    """The leaves, in order. Raises a problem that names the record and the field."""
    now = freshness.now
    try:
        padded_size(len(records))
    except BatchSizeInvalid as error:
        raise refused(error, "records") from error
    checked = []
    for index, value in enumerate(records):
        checked.append(_check(deployment, issuer, value, f"records.{index}", now))
        if index % RECORDS_AT_A_TIME == RECORDS_AT_A_TIME - 1:
            await asyncio.sleep(0)  # a large batch lets others have their turn
    read = partial(memory.find, connection, freshness.block.block_hash)
    participant = await read(find_participant, issuer)
    require_speaks_for(operator, issuer, participant, Scope.ANCHOR, now)
    agreements = {item.record.entry.agreement_id for item in checked}
    facts = {each: await read(find_agreement_facts, each) for each in agreements}
    _check_agreements(facts, issuer, checked, now)
    await _store(connection, master_key, issuer, checked)
    await enqueue(connection, "anchor", [Promise(item.leaf, {}) for item in checked], issuer)
    await _deliver_to_recipients(connection, master_key, issuer, checked)
    return [item.leaf for item in checked]


def _check(
    deployment: Deployment, issuer: OrganisationId, value: dict[str, Any], at: str, now: int
) -> CheckedRecord:
    try:
        record, found = check_quickly(value)
    except SchemaInvalid as error:
        plain = in_plain_words(error)
        raise refused(plain, f"{at}.{plain.where}") from error
    except ProtocolError as error:
        problem = refused(error)
        if isinstance(error, RecordInvalid):
            problem.remedy = "Correct the field; the holder signs the entry as it is sent."
        raise problem.about(f"{at}.{_field_of(error)}") from error
    registry = deployment.address_bytes("ConsentRegistry")
    entry = record.entry
    if record.chain_id != deployment.chain_id or record.registry != registry:
        raise _wrong(
            at,
            "registry",
            f"The record is for registry {to_hex(record.registry)} on chain {record.chain_id}.",
            f"Make it for {to_hex(registry)} on chain {deployment.chain_id}.",
        )
    if entry.issuer != issuer:
        raise _wrong(
            at,
            "entry.issuer",
            f"The entry's issuer is {to_hex(entry.issuer)}, the caller is {to_hex(issuer)}.",
            "An organisation issues its own consents; use the issuer's API key.",
        )
    if entry.valid_until <= now:
        raise _wrong(
            at,
            "entry.validUntil",
            f"The consent's validity ended at {entry.valid_until}, now is {now}.",
            "Ask the learner for a consent that is valid from now on.",
        )
    return CheckedRecord(record, found.leaf)


def in_plain_words(error: SchemaInvalid) -> SchemaInvalid:
    """The same fault: its place as the path of a field, its reason without Python and patterns."""
    where = re.sub(r"\[(\d+)\]", r".\1", error.where).removeprefix("$").removeprefix(".")
    for pattern, words in PLAIN_WORDS.items():
        if found := re.search(pattern, error.reason, re.DOTALL):
            parts = found.groupdict()
            where = ".".join(part for part in (where, parts.get("name")) if part)
            return SchemaInvalid(error.schema, where, words.format(**parts))
    return SchemaInvalid(error.schema, where, error.reason)


def _field_of(error: ProtocolError) -> str:
    match error:
        case RecordInvalid():
            return error.where
        case CommitmentInvalid():
            return "blinding"
        case EntryInvalid():
            return "entry"
        case _:
            return "document"


def _wrong(at: str, field: str, detail: str, remedy: str) -> Problem:
    return Problem.of("record-refused", detail, remedy).about(f"{at}.{field}")


def _check_agreements(
    facts: Mapping[AgreementId, AgreementFacts | None],
    issuer: OrganisationId,
    checked: Sequence[CheckedRecord],
    now: int,
) -> None:
    active: dict[AgreementId, AgreementFacts] = {}
    for index, item in enumerate(checked):
        agreement_id = item.record.entry.agreement_id
        if agreement_id not in active:
            at = f"records.{index}.entry"
            known = facts[agreement_id]
            active[agreement_id] = _require_active(known, agreement_id, issuer, at, now)
        for place, recipient in enumerate(recipient_ids(item.record.document)):
            if recipient not in active[agreement_id].parties:
                error = NotParty(agreement_id=agreement_id, organisation=recipient)
                raise refused(error, f"records.{index}.document.recipients.{place}")


def _require_active(
    facts: AgreementFacts | None,
    agreement_id: AgreementId,
    issuer: OrganisationId,
    at: str,
    now: int,
) -> AgreementFacts:
    if facts is None:
        remedy = "Conclude the agreement first: /v1/agreements."
        raise not_found("agreement", to_hex(agreement_id), remedy).about(f"{at}.agreementId")
    if issuer not in facts.parties:
        error = NotParty(agreement_id=agreement_id, organisation=issuer)
        raise refused(error, f"{at}.issuer")
    status = status_at(facts, UnixSeconds(now))
    if status is not AgreementStatus.ACTIVE:
        detail = f"The agreement {to_hex(agreement_id)} is {status}."
        remedy = "Grant consents under an active agreement."
        raise Problem.of("record-refused", detail, remedy).about(f"{at}.agreementId")
    return facts


async def _store(
    connection: AsyncConnection,
    master_key: bytes,
    organisation: OrganisationId,
    checked: list[CheckedRecord],
) -> None:
    new = await insert_consents(connection, master_key, organisation, checked)
    for index, item in enumerate(checked):
        if item.leaf not in new and not await _was_refused(connection, item.leaf):
            leaf = to_hex(item.leaf)
            detail = f"The leaf {leaf} is known here, or stands twice in the batch."
            raise Problem.of("consent-already-granted", detail).about(f"records.{index}")
        new.discard(item.leaf)


async def _was_refused(connection: AsyncConnection, leaf: Leaf) -> bool:
    """Whether the contract refused to anchor the leaf: then it may be promised anew, unless its
    record has been erased since."""
    act = await find_act(connection, "anchor", leaf)
    erased = select(tables.erased_records.c.leaf).where(tables.erased_records.c.leaf == leaf)
    if act is None or act.state not in IN_VAIN:
        return False
    return (await connection.execute(erased)).first() is None


async def _deliver_to_recipients(
    connection: AsyncConnection,
    master_key: bytes,
    issuer: OrganisationId,
    checked: list[CheckedRecord],
) -> None:
    """Recipients that this same node hosts get their own row at once, under their own scope; the
    others' nodes get the record as soon as they take it."""
    recipients: dict[OrganisationId, list[CheckedRecord]] = {}
    for item in checked:
        for recipient in set(recipient_ids(item.record.document)) - {issuer}:
            recipients.setdefault(recipient, []).append(item)
    elsewhere = []
    for recipient, items in recipients.items():
        statement = text("SELECT node.is_hosted(:organisation)")
        hosted = await connection.execute(statement, {"organisation": recipient})
        if hosted.scalar_one():
            await act_as(connection, recipient)
            await insert_consents(connection, master_key, recipient, items)
        else:
            key = {"organisation_id": issuer, "recipient": recipient, "kind": "record"}
            elsewhere += [{**key, "leaf": item.leaf} for item in items]
    await act_as(connection, issuer)
    if elsewhere:
        await connection.execute(insert(tables.deliveries).on_conflict_do_nothing(), elsewhere)


async def insert_consents(
    connection: AsyncConnection,
    master_key: bytes,
    organisation: OrganisationId,
    checked: Sequence[CheckedRecord],
) -> set[bytes]:
    """Rows of one party, the current organisation, each record sealed under a key of its own; the
    leaves of those that were not there yet."""
    entries = [item.record.entry for item in checked]
    sealed = [
        seal(json.dumps(record_value(item.record)).encode(), item.leaf, master_key)
        for item in checked
    ]
    values = {
        "organisation": organisation,
        "leaf": [item.leaf for item in checked],
        "agreement_id": [entry.agreement_id for entry in entries],
        "issuer": [entry.issuer for entry in entries],
        "holder": [entry.holder for entry in entries],
        "valid_from": [entry.valid_from for entry in entries],
        "valid_until": [entry.valid_until for entry in entries],
        "commitment": [entry.commitment for entry in entries],
        "assurance": [item.record.document.assurance.value for item in checked],
        "sealed_record": [each.ciphertext for each in sealed],
        "wrapped_key": [each.wrapped_key for each in sealed],
    }
    return set((await connection.execute(_INSERT, values)).scalars())


_COLUMNS = {
    "leaf": "bytea",
    "agreement_id": "bytea",
    "issuer": "bytea",
    "holder": "bytea",
    "valid_from": "numeric",
    "valid_until": "numeric",
    "commitment": "bytea",
    "assurance": "text",
    "sealed_record": "bytea",
    "wrapped_key": "bytea",
}
_INSERT = text(
    # Names of columns, which stand above.
    f"INSERT INTO node.consents (organisation_id, {', '.join(_COLUMNS)})"  # noqa: S608
    " SELECT CAST(:organisation AS bytea), new.* FROM unnest("
    + ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())
    + ") AS new ON CONFLICT DO NOTHING RETURNING leaf"
)
"""One statement with an array for each column, the same for one and for 10,000: a row of parameters
each takes the driver and SQLAlchemy several times as long."""
