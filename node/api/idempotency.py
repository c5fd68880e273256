"""`Idempotency-Key`: the same request sent twice by one principal is carried out once.

The answer is stored in the request's own transaction, so it exists exactly if the effect does. The
sender forgets it after `idempotency_days`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, NamedTuple

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api.context import Act, Context
from node.api.principal import Principal
from node.config import Settings
from node.db import act_as, lock
from node.problems import Problem

BOUNDARY = re.compile(r'^multipart/form-data;\s*boundary="?([^";]+)', re.IGNORECASE)
REMEMBERED_DAYS = Settings.model_fields["idempotency_days"].default

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description=(
            "Any text of your choice; a repeated request with it is not carried out again. The "
            f"node remembers it for {REMEMBERED_DAYS} days, unless its operator has set another "
            "time (PTX_IDEMPOTENCY_DAYS)."
        ),
    ),
]


class KeptAnswer(NamedTuple):
    """What the database keeps of a request with a key."""

    organisation_id: bytes
    principal: bytes
    key: str
    request_hash: bytes
    status: int
    body: dict[str, Any]

    @property
    def lock_name(self) -> str:
        """What whoever is about to look for the answer, or to keep it, locks before all else."""
        return _lock_name(self.principal, self.key)


async def hash_request(request: Request) -> bytes:
    """Stands for method, path and body. What a browser draws anew for each sending of one form,
    the boundary between its parts (RFC 2046, 5.1.1), is left out."""
    body = await request.body()
    boundary = BOUNDARY.search(request.headers.get("content-type", ""))
    if boundary is not None:
        body = body.replace(boundary[1].encode("latin-1"), b"")
    parts = request.method.encode(), request.url.path.encode(), body
    return hashlib.sha256(b"\n".join(parts)).digest()


async def write_once(
    context: Context, caller: Principal, request: Request, key: str | None, act: Act
) -> JSONResponse:
    """Carries out a write in one transaction and answers after its COMMIT.

    With a key: the stored answer if the same request was carried out before, a 422 problem if
    another one was.
    """
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        if key is None:
            status, body = await act(connection)
        else:
            request_hash = await hash_request(request)
            stored = await _find(connection, caller, key, request_hash)
            if stored is not None:
                return stored
            status, body = await act(connection)
            answered = caller.organisation_id, caller.identity, key, request_hash, status, body
            kept = KeptAnswer(*answered)._asdict()
            await connection.execute(insert(tables.idempotency).values(kept))
    return JSONResponse(body, status)


async def _find(
    connection: AsyncConnection, caller: Principal, key: str, request_hash: bytes
) -> JSONResponse | None:
    await lock(connection, _lock_name(caller.identity, key))
    kept = tables.idempotency
    row: Any = (
        await connection.execute(
            select(kept.c.request_hash, kept.c.status, kept.c.body).where(
                kept.c.principal == caller.identity, kept.c.key == key
            )
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise Problem.of(
            "idempotency-key-reused",
            f"{key!r} was sent before with another body or path.",
            "Use a new key for a new request.",
        )
    return JSONResponse(row.body, row.status, {"Idempotent-Replayed": "true"})


def _lock_name(principal: bytes, key: str) -> str:
    return f"idempotency:{principal.hex()}:{key}"
