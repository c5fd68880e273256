"""Promises to anchor consents whose records hold together: seals each and queues its leaf.

All or nothing: one record that does not hold leaves none written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement_facts
from indexer.queries.freshness import Freshness
from indexer.queries.participants import find_participant
from node import tables
from node.commands.authority import require_speaks_for
from node.commands.block_memory import BlockMemory
from node.commands.check_records import CheckedRecord, record_refused
from node.commands.required_assurance import find_required_assurance
from node.db import act_as, bytea_array, lock
from node.outbox import IN_VAIN, Promise, enqueue, find_act, lock_name_anew
from node.problems import Problem, not_found, refused
from node.sealing import seal
from protocol.agreement import AgreementFacts, AgreementStatus, status_at
from protocol.assurance import Assurance, is_at_least
from protocol.entries import Entry
from protocol.errors import AssuranceTooWeak, NotParty, ProtocolError
from protocol.record import recipient_ids, record_value
from protocol.types import AgreementId, Leaf, OrganisationId, Scope, UnixSeconds, to_hex


async def grant_consents(
    connection: AsyncConnection,
    master_key: bytes,
    operator: OrganisationId,
    memory: BlockMemory,
    issuer: OrganisationId,
    checked: Sequence[CheckedRecord],
    freshness: Freshness,
) -> None:
    """For an issuer, which is the current organisation. Raises a problem that names the record and
    the field."""
    now = freshness.now
    for index, item in enumerate(checked):
        _require_valid(item.record.entry, f"records.{index}.entry.validUntil", now)
    read = partial(memory.find, connection, freshness.block.block_hash)
    participant = await read(find_participant, issuer)
    require_speaks_for(operator, issuer, participant, Scope.ANCHOR, now)
    agreements = {item.record.entry.agreement_id for item in checked}
    facts = {each: await read(find_agreement_facts, each) for each in agreements}
    _check_agreements(facts, issuer, checked, now)
    try:
        required = {each: await read(find_required_assurance, each) for each in agreements}
    except ProtocolError as error:
        raise refused(error) from error
    _check_assurance(required, checked)
    await _store(connection, master_key, issuer, checked)
    await enqueue(connection, "anchor", [Promise(item.leaf, {}) for item in checked], issuer)
    await _deliver_to_recipients(connection, master_key, issuer, checked)


def _require_valid(entry: Entry, at: str, now: int) -> None:
    if entry.valid_until <= now:
        raise record_refused(
            at,
            f"The consent's validity ended at {entry.valid_until}, now is {now}.",
            "Ask the learner for a consent that is valid from now on.",
        )


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


def _check_assurance(
    required: Mapping[AgreementId, Assurance], checked: Sequence[CheckedRecord]
) -> None:
    for index, item in enumerate(checked):
        proven, wanted = item.record.document.assurance, required[item.record.entry.agreement_id]
        if not is_at_least(proven, wanted):
            error = AssuranceTooWeak(proven=proven.value, required=wanted.value)
            raise refused(error, f"records.{index}.document.assurance")


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
        raise record_refused(f"{at}.agreementId", detail, remedy)
    return facts


async def _store(
    connection: AsyncConnection,
    master_key: bytes,
    organisation: OrganisationId,
    checked: Sequence[CheckedRecord],
) -> None:
    new = await insert_consents(connection, master_key, organisation, checked)
    known = {item.leaf for item in checked} - new
    if known:  # of two who promise the same anew, the second finds the promise of the first
        await lock(connection, lock_name_anew(organisation))
    for index, item in enumerate(checked):
        is_anew = item.leaf in known and await _was_refused(connection, organisation, item.leaf)
        if item.leaf not in new and not is_anew:
            leaf = to_hex(item.leaf)
            detail = f"The leaf {leaf} is known here, or stands twice in the batch."
            raise Problem.of("consent-already-granted", detail).about(f"records.{index}")
        new.discard(item.leaf)
        known.discard(item.leaf)


async def _was_refused(connection: AsyncConnection, issuer: OrganisationId, leaf: Leaf) -> bool:
    """Whether the contract refused to anchor the leaf: then it may be promised anew, unless its
    record has been erased since; an erasure that another issuer ordered is of no record."""
    act = await find_act(connection, "anchor", leaf)
    if act is None or act.state not in IN_VAIN:
        return False
    erased = tables.erased_records
    own = select(erased.c.leaf).where(erased.c.leaf == leaf, erased.c.issuer == issuer)
    return (await connection.execute(own)).first() is None


async def _deliver_to_recipients(
    connection: AsyncConnection,
    master_key: bytes,
    issuer: OrganisationId,
    checked: Sequence[CheckedRecord],
) -> None:
    """Recipients that this same node hosts get their own row at once, under their own scope; the
    others' nodes get the record as soon as they take it."""
    recipients: dict[OrganisationId, list[CheckedRecord]] = {}
    for item in sorted(checked, key=_leaf):
        for recipient in set(recipient_ids(item.record.document)) - {issuer}:
            recipients.setdefault(recipient, []).append(item)
    elsewhere = []
    for recipient, items in sorted(recipients.items()):
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
    leaves of those that were not there yet. All write in the order of the leaves, so that no two
    with the same records wait for each other."""
    checked = sorted(checked, key=_leaf)
    entries = [item.record.entry for item in checked]
    sealed = [
        seal(json.dumps(record_value(item.record)).encode(), item.leaf, master_key)
        for item in checked
    ]
    values = {
        "organisation": organisation,
        "leaf": bytea_array(item.leaf for item in checked),
        "agreement_id": bytea_array(entry.agreement_id for entry in entries),
        "issuer": bytea_array(entry.issuer for entry in entries),
        "holder": bytea_array(entry.holder for entry in entries),
        "valid_from": [entry.valid_from for entry in entries],
        "valid_until": [entry.valid_until for entry in entries],
        "commitment": bytea_array(entry.commitment for entry in entries),
        "assurance": [item.record.document.assurance.value for item in checked],
        "sealed_record": bytea_array(each.ciphertext for each in sealed),
        "wrapped_key": bytea_array(each.wrapped_key for each in sealed),
    }
    return set((await connection.execute(_INSERT, values)).scalars())


def _leaf(item: CheckedRecord) -> Leaf:
    return item.leaf


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
_NAMES = ", ".join(_COLUMNS)
_INSERT = text(
    f"INSERT INTO node.consents (organisation_id, {_NAMES})"  # noqa: S608 - our own columns' names
    " SELECT CAST(:organisation AS bytea), new.* FROM unnest("
    + ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())
    + ") AS new ON CONFLICT DO NOTHING RETURNING leaf"
)
"""One statement with an array for each column, the same for one and for 10,000: a row of parameters
each takes the driver and SQLAlchemy several times as long."""
