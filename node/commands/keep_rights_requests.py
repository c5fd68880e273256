"""Rights of a person against an organisation: asked for, listed, extended, answered.

A request about a consent is one row with its leaf and the one-time key that proved it, never two
keys; who has lost key and slip asks without either and gets a reference.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.asking_networks import asking_network_hash
from node.bearer_links import hash_token, new_token
from node.db import act_as, lock
from node.kept_requests import ANSWER, REQUEST_ID_BYTES, seal_json
from node.kept_rights_requests import (
    RightsKind,
    RightsRequest,
    RightsState,
    open_rights_request,
)
from node.problems import Problem, not_found
from protocol.deadlines import answer_due, may_extend
from protocol.types import UnixSeconds, to_hex

UNPROVEN_MAX = 5_000
"""More than anybody answers within the month that the law gives."""
UNPROVEN_OF_NETWORK_MAX = 100
"""Enough for a school behind one address, and a fiftieth: a stranger closes the door to the own
network, and leaves it open to all others."""
Decision = Literal["done", "refused", "extended"]


@dataclass(frozen=True, slots=True)
class NewRightsRequest:
    """What a person asks; `message` and `contact` are sealed."""

    kind: RightsKind
    message: str | None = None
    contact: str | None = None


async def ask_about_consent(
    connection: AsyncConnection,
    master_key: bytes,
    holders: Collection[bytes],
    leaf: bytes,
    organisation: bytes | None,
    asked: NewRightsRequest,
    now: int,
) -> RightsRequest:
    """For a consent of a proven key: to the organisation named, by default the issuer. What is
    asked already is answered as it stands. Raises a problem for a consent that no proven key holds,
    or an organisation that does not have it here."""
    consents = tables.consents
    columns = (consents.c.organisation_id, consents.c.issuer, consents.c.holder)
    statement = select(*columns).where(
        consents.c.leaf == leaf, consents.c.holder.in_(list(holders))
    )
    rows = (await connection.execute(statement)).all()
    if not rows:
        remedy = "Prove the key that holds it: POST /v1/me/holders."
        raise not_found("consent", to_hex(leaf), remedy).about("leaf")
    keepers = sorted(row.organisation_id for row in rows)
    wanted = organisation or (rows[0].issuer if rows[0].issuer in keepers else keepers[0])
    if wanted not in keepers:
        remedy = "Ask an organisation that has the consent here, or through its own node."
        raise not_found("participant", to_hex(wanted), remedy).about("organisation")
    await lock(connection, f"rights:{wanted.hex()}:{leaf.hex()}:{asked.kind}")
    requests = tables.rights_requests
    statement = select(requests).where(
        requests.c.organisation_id == wanted,
        requests.c.leaf == leaf,
        requests.c.kind == asked.kind.value,
        requests.c.state == RightsState.RECEIVED.value,
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        values = _values(master_key, wanted, asked, now)
        holding = {"leaf": leaf, "holder": rows[0].holder}
        made = insert(requests).values(**values, **holding).returning(requests)
        row = (await connection.execute(made)).one()
    return open_rights_request(row, master_key)


async def ask_organisation(
    connection: AsyncConnection,
    master_key: bytes,
    organisation: bytes,
    network: str,
    asked: NewRightsRequest,
    now: int,
) -> tuple[RightsRequest, str]:
    """Without a key: the request, and the token that shows it again, which is kept nowhere. Raises
    a problem for an organisation that is not hosted here, or has too many to answer, be it from
    this network alone."""
    statement = text("SELECT node.is_hosted(:organisation)")
    hosted = await connection.execute(statement, {"organisation": organisation})
    if not hosted.scalar_one():
        remedy = "Ask the node at the organisation's service address: GET /v1/participants/{id}."
        raise not_found("participant", to_hex(organisation), remedy).about("organisation_id")
    await act_as(connection, organisation)
    asked_from = asking_network_hash(network, organisation, master_key)
    await _require_room(connection, organisation, asked_from)
    token = new_token()
    values = _values(master_key, organisation, asked, now)
    values |= {"token_hash": hash_token(token), "asked_from": asked_from}
    requests = tables.rights_requests
    made = insert(requests).values(**values).returning(requests)
    row = (await connection.execute(made)).one()
    return open_rights_request(row, master_key), token


async def _require_room(
    connection: AsyncConnection, organisation: bytes, asked_from: bytes
) -> None:
    """Raises a problem while too many wait whom nothing proves: anybody can make them. Those of a
    proven key are one a consent, and always taken."""
    await lock(connection, f"rights:{organisation.hex()}")
    requests = tables.rights_requests
    waiting = (
        requests.c.organisation_id == organisation,
        requests.c.state == RightsState.RECEIVED.value,
        requests.c.token_hash.is_not(None),
    )
    own = (*waiting, requests.c.asked_from == asked_from)
    if await _has(connection, UNPROVEN_OF_NETWORK_MAX, own):
        detail = (
            f"It has {UNPROVEN_OF_NETWORK_MAX} of them from your network, and answers those first."
        )
        raise Problem.of("too-many-rights-requests", detail).about("organisation_id")
    if await _has(connection, UNPROVEN_MAX, waiting):
        detail = f"It has {UNPROVEN_MAX} of them, and answers those first."
        raise Problem.of("too-many-rights-requests", detail).about("organisation_id")


async def _has(
    connection: AsyncConnection, rows: int, conditions: Iterable[ColumnElement[bool]]
) -> bool:
    """Whether there are so many, without counting on."""
    found = select(tables.rights_requests.c.rights_request_id).where(*conditions).limit(rows)
    return await connection.scalar(select(func.count()).select_from(found.subquery())) == rows


async def find_by_reference(
    connection: AsyncConnection, master_key: bytes, token: str
) -> RightsRequest:
    """The request that a token shows. Raises a problem for one that shows none."""
    statement = text("SELECT * FROM node.rights_request_of(:asked)")
    found = (await connection.execute(statement, {"asked": hash_token(token)})).one_or_none()
    if found is None:
        detail = "No request has this reference."
        raise Problem.of("rights-request-not-found", detail).about("Reference-Token")
    await act_as(connection, found.organisation_id)
    return await _find(connection, master_key, found.rights_request_id)


async def list_held(
    connection: AsyncConnection,
    master_key: bytes,
    holders: Collection[bytes],
    after: bytes | None = None,
    limit: int | None = None,
) -> list[RightsRequest]:
    """Those of the proven keys, the newest first, from the one after `after` on."""
    requests = tables.rights_requests
    newest = (requests.c.received_at, requests.c.rights_request_id)
    conditions: list[ColumnElement[bool]] = [requests.c.holder.in_(list(holders))]
    if after is not None:
        is_last = requests.c.rights_request_id == after
        last = select(*newest).where(*conditions, is_last).subquery()
        conditions.append(tuple_(*newest) < select(last).scalar_subquery())
    statement = (
        select(requests)
        .where(*conditions)
        .order_by(*(column.desc() for column in newest))
        .limit(limit)
    )
    rows = (await connection.execute(statement)).all()
    return [open_rights_request(row, master_key) for row in rows]


async def list_own(
    connection: AsyncConnection,
    master_key: bytes,
    limit: int,
    state: RightsState | None = None,
    after: bytes | None = None,
) -> list[RightsRequest]:
    """Those of the current organisation, what is due first before what is due later."""
    requests = tables.rights_requests
    order = (requests.c.due_at, requests.c.rights_request_id)
    conditions: list[ColumnElement[bool]] = []
    if state is not None:
        conditions.append(requests.c.state == state.value)
    if after is not None:
        last = select(*order).where(requests.c.rights_request_id == after).subquery()
        conditions.append(tuple_(*order) > select(last).scalar_subquery())
    statement = select(requests).where(*conditions).order_by(*order).limit(limit)
    rows = (await connection.execute(statement)).all()
    return [open_rights_request(row, master_key) for row in rows]


async def answer_rights_request(
    connection: AsyncConnection,
    master_key: bytes,
    request_id: bytes,
    decision: Decision,
    reason: str | None,
    now: int,
) -> RightsRequest:
    """Records what the organisation did, or that it needs two months more. Raises a problem for a
    request that is closed, or that was extended before or is too old to be."""
    request = await _find(connection, master_key, request_id, locked=True)
    if request.state is not RightsState.RECEIVED:
        raise _closed(f"The request was {request.state} at {request.answered_at}.")
    answer = {"extensionReason": request.extension_reason} if request.extension_reason else {}
    values: dict[str, Any] = {}
    if decision == "extended":
        received_at = UnixSeconds(request.received_at)
        if request.extended_at is not None:
            raise _closed(f"The request was extended at {request.extended_at} before.")
        if not may_extend(received_at, UnixSeconds(now)):
            raise _closed(f"The first month of the request ended at {request.due_at}.")
        values = {"extended_at": now, "due_at": answer_due(received_at, extended=True)}
        answer["extensionReason"] = reason or ""
    else:
        values = {"state": RightsState(decision).value, "answered_at": now, "asked_from": None}
        answer |= {"reason": reason} if reason else {}
    sealed = seal_json(answer, request_id + ANSWER, master_key)
    requests = tables.rights_requests
    await connection.execute(
        update(requests)
        .where(requests.c.rights_request_id == request_id)
        .values(**values, sealed_answer=sealed.ciphertext, answer_key=sealed.wrapped_key)
    )
    return await _find(connection, master_key, request_id)


async def _find(
    connection: AsyncConnection, master_key: bytes, request_id: bytes, *, locked: bool = False
) -> RightsRequest:
    requests = tables.rights_requests
    statement = select(requests).where(requests.c.rights_request_id == request_id)
    row = (
        await connection.execute(statement.with_for_update() if locked else statement)
    ).one_or_none()
    if row is None:
        remedy = "GET /v1/rights-requests lists those of your organisation."
        raise not_found("rights-request", to_hex(request_id), remedy)
    return open_rights_request(row, master_key)


def _values(
    master_key: bytes, organisation: bytes, asked: NewRightsRequest, now: int
) -> dict[str, Any]:
    request_id = secrets.token_bytes(REQUEST_ID_BYTES)
    told = {"message": asked.message, "contact": asked.contact}
    content = {name: value for name, value in told.items() if value}
    sealed = seal_json(content, request_id, master_key) if content else None
    return {
        "rights_request_id": request_id,
        "organisation_id": organisation,
        "kind": asked.kind.value,
        "received_at": now,
        "due_at": answer_due(UnixSeconds(now)),
        "sealed_content": sealed and sealed.ciphertext,
        "content_key": sealed and sealed.wrapped_key,
    }


def _closed(detail: str) -> Problem:
    return Problem.of("rights-request-closed", detail)
