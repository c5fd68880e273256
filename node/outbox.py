"""The outbox: what this node has promised to bring to the chain.

A row is written in the transaction of the request that promises it, so nothing is promised that is
not written and nothing is written that was not promised. States:

    waiting → sent → mined → final
       ├────────┴──→ failed            (the contract refuses it for good; the reason is kept)
       └───────────→ expired           (it was not sent as long as it was valid)

A chain that takes a block back moves its acts from mined (or failed in a block) to sent, with the
same signed bytes. What waits for more than its turn says why (`failure`), and until when.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Select, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.db import bytea_array, lock
from node.problems import Problem

AboutAgreement = Literal["propose", "sign", "suspend", "resume", "terminate"]
Kind = Literal[AboutAgreement, "anchor", "withdraw", "settle", "describe"]
State = Literal["waiting", "sent", "mined", "final", "failed", "expired"]


IN_VAIN = ("failed", "expired")
"""States of acts that will never be carried out: the same may be promised anew."""


WAITING_MAX = 100_000
MAX_ACT_ID = 2**53 - 1
_PROMISE = text(
    "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, expires_at)"
    " SELECT CAST(:organisation AS bytea), :kind, new.subject, new.order_key,"
    " CAST(new.payload AS jsonb), new.expires_at"
    " FROM unnest(CAST(:subjects AS bytea[]), CAST(:order_keys AS bytea[]),"
    " CAST(:payloads AS text[]), CAST(:expire_at AS bigint[]))"
    " WITH ORDINALITY AS new (subject, order_key, payload, expires_at, place)"
    " WHERE NOT (SELECT node.outbox_is_full(:most)) ORDER BY place"
)
"""All or nothing in one statement; without RETURNING: a relayed act may not be read back."""


class Promise(NamedTuple):
    """An act to be carried out. What has the same `order_key` is carried out in the order of its
    promises (by default: what has the same subject); after `expires_at`, Unix seconds, it is of no
    use any more."""

    subject: bytes
    payload: dict[str, Any]
    order_key: bytes | None = None
    expires_at: int | None = None


async def lock_promise(connection: AsyncConnection, kind: Kind, subject: bytes) -> None:
    """Until the transaction ends nobody else promises acts of this kind about the subject, so that
    what `find_act` says stays true up to `enqueue`."""
    await lock(connection, lock_name(kind, subject))


def lock_name(kind: str, subject: bytes) -> str:
    """What `lock_promise` locks, for those without an asynchronous connection."""
    return f"{kind}:{subject.hex()}"


def lock_name_anew(organisation: bytes) -> str:
    """What is locked by whoever promises an organisation's acts anew that were in vain: so many at
    once that no lock for each would do."""
    return f"anew:{organisation.hex()}"


def retry_locks(row: ActRow) -> list[str]:
    """Of all who may promise the same while an act is tried again."""
    names = [lock_name(row.kind, row.subject)]
    if row.organisation_id is not None:
        names.append(lock_name_anew(row.organisation_id))
    return sorted(names)


def standing_in_place(act_id: int) -> Select[Any]:
    """Act and state of what was promised anew since an act failed: tried again, it would be carried
    out twice. What says something else (another party's signature, more units) does not count."""
    act, other = tables.outbox.alias("act"), tables.outbox.alias("other")
    return (
        select(other.c.outbox_id, other.c.state)
        .join(act, (other.c.kind == act.c.kind) & (other.c.subject == act.c.subject))
        .where(
            act.c.outbox_id == act_id,
            other.c.outbox_id != act_id,
            other.c.payload == act.c.payload,
            other.c.state.not_in(IN_VAIN),
        )
        .limit(1)
    )


def erased_meanwhile(act_id: int) -> Select[Any]:
    """The leaf that an act would anchor if its record is erased: a consent of which nobody could
    show what it says."""
    act, erased = tables.outbox, tables.erased_records
    return select(erased.c.leaf).join(
        act,
        (act.c.subject == erased.c.leaf)
        & (act.c.organisation_id == erased.c.issuer)
        & (act.c.organisation_id == erased.c.organisation_id)
        & (act.c.kind == "anchor")
        & (act.c.outbox_id == act_id),
    )


async def enqueue(
    connection: AsyncConnection,
    kind: Kind,
    promises: Sequence[Promise],
    organisation_id: bytes | None,
) -> None:
    """Promises acts of one kind. Never commits. Raises a 503 problem while too many wait, which
    happens where the chain stands still.

    `organisation_id` is the organisation that the act is for; None for a learner's withdrawal,
    for which there is always more room than for grants.
    """
    most = WAITING_MAX if organisation_id is not None else 2 * WAITING_MAX
    values = {
        "most": most,
        "organisation": organisation_id,
        "kind": kind,
        "subjects": bytea_array(promise.subject for promise in promises),
        "order_keys": bytea_array(promise.order_key or promise.subject for promise in promises),
        "payloads": [json.dumps(promise.payload) for promise in promises],
        "expire_at": [promise.expires_at for promise in promises],
    }
    if promises and (await connection.execute(_PROMISE, values)).rowcount == 0:
        raise Problem.of("outbox-full", f"More than {most} acts wait to be brought to the chain.")


async def find_act(connection: AsyncConnection, kind: Kind, subject: bytes) -> Any | None:
    """The newest act of a kind about a subject that the caller may see, with its transaction, which
    is open as long as its block may be taken back; one that failed only if none stands."""
    statement = (
        select(
            tables.outbox.c.outbox_id,
            tables.outbox.c.state,
            tables.outbox.c.payload,
            tables.outbox.c.failure,
            tables.outbox.c.created_at,
            tables.transactions.c.hash.label("transaction_hash"),
            tables.transactions.c.block_number,
            tables.transactions.c.gas_used,
            tables.transactions.c.mined_at,
            tables.transactions.c.is_open,
        )
        .outerjoin(
            tables.transactions,
            tables.outbox.c.transaction_id == tables.transactions.c.transaction_id,
        )
        .where(tables.outbox.c.kind == kind, tables.outbox.c.subject == subject)
        .order_by(tables.outbox.c.state.in_(IN_VAIN), tables.outbox.c.outbox_id.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).one_or_none()


@dataclass(frozen=True, slots=True)
class ActRow:
    """An act and what carries it; `hashes` are those of all attempts of its transaction."""

    outbox_id: int
    organisation_id: bytes | None
    kind: str
    subject: bytes
    state: State
    attempts: int
    created_at: datetime
    not_before: datetime | None
    expires_at: int | None
    failure: dict[str, Any] | None
    nonce: int | None
    transaction_hash: bytes | None
    block_number: int | None
    hashes: tuple[bytes, ...]


async def list_acts(
    connection: AsyncConnection, state: str | None, before: int, limit: int
) -> list[ActRow]:
    """Those that the caller may see with a smaller identifier, the newest first."""
    rows = await connection.execute(acts_statement(state, before, limit))
    return [act_of_row(row) for row in rows]


def acts_statement(state: str | None, before: int, limit: int) -> Select[Any]:
    """What `list_acts` asks; `act_of_row` reads its rows."""
    outbox, transactions, attempts = tables.outbox, tables.transactions, tables.attempts
    hashes = (
        select(func.array_agg(attempts.c.hash))
        .where(attempts.c.transaction_id == outbox.c.transaction_id)
        .scalar_subquery()
    )
    statement = (
        select(
            outbox.c.outbox_id,
            outbox.c.organisation_id,
            outbox.c.kind,
            outbox.c.subject,
            outbox.c.state,
            outbox.c.attempts,
            outbox.c.created_at,
            outbox.c.not_before,
            outbox.c.expires_at,
            outbox.c.failure,
            transactions.c.nonce,
            transactions.c.hash.label("transaction_hash"),
            transactions.c.block_number,
            hashes.label("hashes"),
        )
        .outerjoin(transactions, outbox.c.transaction_id == transactions.c.transaction_id)
        .where(outbox.c.outbox_id < before)
        .order_by(outbox.c.outbox_id.desc())
        .limit(limit)
    )
    if state is None:
        return statement
    # Written out, so that the planner knows which of the partial indexes has it.
    return statement.where(outbox.c.state == literal(state, literal_execute=True))


def act_of_row(row: Any) -> ActRow:
    """A row of `acts_statement`."""
    columns = row._asdict()
    return ActRow(**{**columns, "hashes": tuple(columns["hashes"] or ())})
