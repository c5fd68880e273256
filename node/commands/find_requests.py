"""Finds consent requests of the current organisation, and forgets those about a person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.bearer_links import hash_token
from node.db import act_as
from node.kept_requests import KeptRequest, open_link, open_request
from node.problems import Problem, not_found
from protocol.consent_request import RequestState
from protocol.types import to_hex

PAGE_SIZE = 1_000
REMEDY = "GET /v1/consent-requests lists those of your organisation."


async def find_request(
    connection: AsyncConnection, request_id: bytes, master_key: bytes, *, lock: bool = False
) -> KeptRequest:
    """One request; with `lock` nobody else answers it until the transaction ends. Raises a problem
    for one that the current organisation does not have."""
    requests = tables.consent_requests
    statement = select(requests).where(requests.c.request_id == request_id)
    row = (
        await connection.execute(statement.with_for_update() if lock else statement)
    ).one_or_none()
    if row is None:
        raise not_found("consent-request", to_hex(request_id), REMEDY)
    return open_request(row, master_key)


async def find_by_token(
    connection: AsyncConnection, token: str, master_key: bytes, *, lock: bool = False
) -> KeptRequest:
    """The request that a link leads to; from here on the transaction is its organisation's. Raises
    a problem for a link that leads nowhere."""
    statement = text("SELECT * FROM node.consent_request_of(:asked)")
    found = (await connection.execute(statement, {"asked": hash_token(token)})).one_or_none()
    if found is None:
        detail = "No request has this link, or the organisation has deleted it."
        remedy = "Ask the organisation that sent the link for another one."
        raise Problem.of("consent-request-not-found", detail, remedy)
    await act_as(connection, found.organisation_id)
    return await find_request(connection, found.request_id, master_key, lock=lock)


async def list_requests(
    connection: AsyncConnection,
    master_key: bytes,
    now: int,
    limit: int,
    state: RequestState | None = None,
    agreement_id: bytes | None = None,
    subject: bytes | None = None,
    after: bytes | None = None,
) -> list[KeptRequest]:
    """Requests that fit, the newest first, beginning after the one with the id `after`."""
    requests = tables.consent_requests
    newest = (requests.c.created_at, requests.c.request_id)
    conditions: list[ColumnElement[bool]] = []
    if state is not None:
        conditions.append(_is_in(state, now))
    if agreement_id is not None:
        conditions.append(requests.c.agreement_id == agreement_id)
    if subject is not None:
        conditions.append(requests.c.subject_hash == subject)
    if after is not None:
        last = select(*newest).where(requests.c.request_id == after).subquery()
        conditions.append(tuple_(*newest) < select(last).scalar_subquery())
    statement = (
        select(requests)
        .where(*conditions)
        .order_by(*(column.desc() for column in newest))
        .limit(limit)
    )
    rows = (await connection.execute(statement)).all()
    return [open_request(row, master_key) for row in rows]


async def list_all_about(
    connection: AsyncConnection, master_key: bytes, now: int, subject: bytes
) -> list[KeptRequest]:
    """Every request about a person, the newest first, however many there are."""
    found: list[KeptRequest] = []
    after = None
    while True:
        page = await list_requests(
            connection, master_key, now, PAGE_SIZE, subject=subject, after=after
        )
        found += page
        if len(page) < PAGE_SIZE:
            return found
        after = page[-1].request_id


async def find_links(
    connection: AsyncConnection, request_ids: Sequence[bytes], master_key: bytes
) -> dict[bytes, str]:
    """The tokens of requests that are not answered, by their ids."""
    requests = tables.consent_requests
    columns = (requests.c.request_id, requests.c.sealed_link, requests.c.link_key)
    statement = select(*columns).where(requests.c.request_id.in_(request_ids))
    tokens = {
        row.request_id: open_link(row, master_key) for row in await connection.execute(statement)
    }
    return {request_id: token for request_id, token in tokens.items() if token is not None}


async def erase_requests(connection: AsyncConnection, subject: bytes) -> int:
    """Deletes every request about a person, sealed answer and link with it; how many."""
    requests = tables.consent_requests
    statement = delete(requests).where(requests.c.subject_hash == subject)
    return (await connection.execute(statement)).rowcount


def _is_in(state: RequestState, now: int) -> ColumnElement[bool]:
    requests = tables.consent_requests
    is_sent = requests.c.state == RequestState.SENT.value
    match state:
        case RequestState.SENT:
            return and_(is_sent, requests.c.expires_at > now)
        case RequestState.EXPIRED:
            return and_(is_sent, requests.c.expires_at <= now)
        case _:
            return requests.c.state == state.value
