"""Promises to anchor consents: checks each record, seals it, and queues its leaf.

All or nothing: one record that does not hold leaves none written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import AgreementRow, find_agreement
from node import tables
from node.commands.authority import require_operator_may
from node.contracts import Deployment
from node.db import act_as, query
from node.outbox import IN_VAIN, Promise, enqueue, find_act
from node.problems import Problem, not_found, refused
from node.sealing import seal
from protocol.agreement import AgreementStatus, status_at
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
from protocol.record import Record, check_record, from_json, recipient_ids, to_json
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
    issuer: OrganisationId,
    records: list[dict[str, Any]],
    now: int,
) -> list[Leaf]:
    """The leaves, in order. Raises a problem that names the record and the field."""
    try:
        padded_size(len(records))
    except BatchSizeInvalid as error:
        raise refused(error, "records") from error
    checked = [
        _check(deployment, issuer, value, f"records.{index}", now)
        for index, value in enumerate(records)
    ]
    await require_operator_may(connection, operator, issuer, Scope.ANCHOR, now)
    await _check_agreements(connection, issuer, checked, now)
    await _store(connection, master_key, issuer, checked)
    await enqueue(connection, "anchor", [Promise(item.leaf, {}) for item in checked], issuer)
    await _deliver_to_recipients(connection, master_key, issuer, checked)
    return [item.leaf for item in checked]


def _check(
    deployment: Deployment, issuer: OrganisationId, value: dict[str, Any], at: str, now: int
) -> CheckedRecord:
    try:
        record = from_json(value)
        leaf = check_record(record).leaf
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
    return CheckedRecord(record, leaf)


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


async def _check_agreements(
    connection: AsyncConnection, issuer: OrganisationId, checked: list[CheckedRecord], now: int
) -> None:
    known: dict[AgreementId, AgreementRow] = {}
    for index, item in enumerate(checked):
        agreement_id = item.record.entry.agreement_id
        if agreement_id not in known:
            at = f"records.{index}.entry"
            known[agreement_id] = await _active_agreement(connection, agreement_id, issuer, at, now)
        for place, recipient in enumerate(recipient_ids(item.record.document)):
            if recipient not in known[agreement_id].terms.parties:
                error = NotParty(agreement_id=agreement_id, organisation=recipient)
                raise refused(error, f"records.{index}.document.recipients.{place}")


async def _active_agreement(
    connection: AsyncConnection,
    agreement_id: AgreementId,
    issuer: OrganisationId,
    at: str,
    now: int,
) -> AgreementRow:
    row = await query(connection, find_agreement, agreement_id)
    if row is None:
        remedy = "Conclude the agreement first: /v1/agreements."
        raise not_found("agreement", to_hex(agreement_id), remedy).about(f"{at}.agreementId")
    if issuer not in row.terms.parties:
        error = NotParty(agreement_id=agreement_id, organisation=issuer)
        raise refused(error, f"{at}.issuer")
    status = status_at(row.facts, UnixSeconds(now))
    if status is not AgreementStatus.ACTIVE:
        detail = f"The agreement {to_hex(agreement_id)} is {status}."
        remedy = "Grant consents under an active agreement."
        raise Problem.of("record-refused", detail, remedy).about(f"{at}.agreementId")
    return row


async def _store(
    connection: AsyncConnection,
    master_key: bytes,
    organisation: OrganisationId,
    checked: list[CheckedRecord],
) -> None:
    rows = [consent_row(master_key, organisation, item) for item in checked]
    statement = insert(tables.consents).on_conflict_do_nothing()
    stored = (await connection.execute(statement.returning(tables.consents.c.leaf), rows)).scalars()
    new = set(stored)
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
            rows = [consent_row(master_key, recipient, item) for item in items]
            await connection.execute(insert(tables.consents).on_conflict_do_nothing(), rows)
        else:
            key = {"organisation_id": issuer, "recipient": recipient, "kind": "record"}
            elsewhere += [{**key, "leaf": item.leaf} for item in items]
    await act_as(connection, issuer)
    if elsewhere:
        await connection.execute(insert(tables.deliveries).on_conflict_do_nothing(), elsewhere)


def consent_row(
    master_key: bytes, organisation: OrganisationId, item: CheckedRecord
) -> dict[str, Any]:
    """A party's row of `node.consents`, its record sealed under a key of its own."""
    record = item.record
    sealed = seal(json.dumps(to_json(record)).encode(), item.leaf, master_key)
    return {
        "organisation_id": organisation,
        "leaf": item.leaf,
        "agreement_id": record.entry.agreement_id,
        "issuer": record.entry.issuer,
        "holder": record.entry.holder,
        "valid_from": record.entry.valid_from,
        "valid_until": record.entry.valid_until,
        "commitment": record.entry.commitment,
        "assurance": record.document.assurance.value,
        "sealed_record": sealed.ciphertext,
        "wrapped_key": sealed.wrapped_key,
    }
