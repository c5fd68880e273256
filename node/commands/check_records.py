"""Whether records hold together and are this issuer's to anchor here, before anything is read of
the chain or written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node.contracts import Deployment
from node.intake.quick_records import check_quickly
from node.problems import Problem, refused
from protocol.errors import (
    BatchSizeInvalid,
    CommitmentInvalid,
    EntryInvalid,
    ProtocolError,
    RecordInvalid,
    RecordTooLarge,
    SchemaInvalid,
)
from protocol.padding import padded_size
from protocol.record import Record
from protocol.types import Leaf, OrganisationId, to_hex

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


async def check_records(
    deployment: Deployment, issuer: OrganisationId, records: Sequence[dict[str, Any]]
) -> list[CheckedRecord]:
    """In order. Raises a problem that names the record and the field."""
    try:
        padded_size(len(records))
    except BatchSizeInvalid as error:
        raise refused(error, "records") from error
    checked = []
    for index, value in enumerate(records):
        checked.append(_check(deployment, issuer, value, f"records.{index}"))
        if index % RECORDS_AT_A_TIME == RECORDS_AT_A_TIME - 1:
            await asyncio.sleep(0)  # a large batch lets others have their turn
    return checked


def _check(
    deployment: Deployment, issuer: OrganisationId, value: dict[str, Any], at: str
) -> CheckedRecord:
    try:
        record, found = check_quickly(value)
    except SchemaInvalid as error:
        plain = in_plain_words(error)
        raise refused(plain, f"{at}.{plain.where}") from error
    except RecordTooLarge as error:
        raise refused(error, at) from error
    except ProtocolError as error:
        problem = refused(error)
        if isinstance(error, RecordInvalid):
            problem.remedy = "Correct the field; the holder signs the entry as it is sent."
        raise problem.about(f"{at}.{_field_of(error)}") from error
    registry = deployment.address_bytes("ConsentRegistry")
    entry = record.entry
    if record.chain_id != deployment.chain_id or record.registry != registry:
        raise record_refused(
            f"{at}.registry",
            f"The record is for registry {to_hex(record.registry)} on chain {record.chain_id}.",
            f"Make it for {to_hex(registry)} on chain {deployment.chain_id}.",
        )
    if entry.issuer != issuer:
        raise record_refused(
            f"{at}.entry.issuer",
            f"The entry's issuer is {to_hex(entry.issuer)}, the caller is {to_hex(issuer)}.",
            "An organisation issues its own consents; use the issuer's API key.",
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


def record_refused(at: str, detail: str, remedy: str) -> Problem:
    """A record that cannot be anchored; `at` is the field that shows it."""
    return Problem.of("record-refused", detail, remedy).about(at)
