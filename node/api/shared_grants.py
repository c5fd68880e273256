"""Grants of a few consents that come at the same time share a transaction, so that its statements
and the wait for its COMMIT are paid once for all of them.

What one of them does wrong is no other's trouble: a transaction that does not succeed as a whole
leaves nothing, and each of them is carried out alone. Only an error of the COMMIT itself is told to
all: nobody knows what became of it, and what may be written must not be written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.api.context import Context, require_fresh
from node.api.idempotency import KeptAnswer
from node.commands.check_records import CheckedRecord
from node.commands.coalescing import Coalescer
from node.commands.grant_consents import grant_consents
from node.db import act_as, lock
from node.problems import Problem
from protocol.types import OrganisationId

RECORDS_MAX = 10
"""A request with more records is worth a transaction of its own."""
GRANTS_MAX = 64


@dataclass(frozen=True, slots=True)
class Grant:
    """One request: its records, and the answer to keep if it has an Idempotency-Key."""

    checked: Sequence[CheckedRecord]
    kept: KeptAnswer | None


class SharedGrants:
    """Of one process of the API."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._grants: Coalescer[Grant, bool] = Coalescer(self._carry_out, GRANTS_MAX)

    async def carry_out(self, issuer: OrganisationId, grant: Grant) -> bool:
        """Whether the grant is committed. If not, nothing of it is, and to carry it out alone will
        show why; raises what would meet it there, too."""
        if len(grant.checked) > RECORDS_MAX:
            return False
        return await self._grants.ask(issuer, [grant])

    async def _carry_out(self, issuer: bytes, grants: list[Grant]) -> bool:
        try:
            async with self._context.database.begin() as connection:
                try:
                    await self._write(connection, OrganisationId(issuer), grants)
                except DBAPIError as error:  # before the COMMIT, so nothing of it stays
                    if len(grants) == 1:
                        raise
                    raise _NotTogether from error
        except Problem as problem:
            if problem.status >= 500:
                raise
            return False
        except _NotTogether:
            return False
        return True

    async def _write(
        self, connection: AsyncConnection, issuer: OrganisationId, grants: list[Grant]
    ) -> None:
        await act_as(connection, issuer)
        await _keep_answers(connection, [each.kept for each in grants if each.kept is not None])
        checked = [item for each in grants for item in each.checked]
        await grant_as_issuer(self._context, connection, issuer, checked)


async def grant_as_issuer(
    context: Context,
    connection: AsyncConnection,
    issuer: OrganisationId,
    checked: Sequence[CheckedRecord],
) -> None:
    """All of them or none, by what the index says now; the issuer is the current organisation."""
    freshness = await require_fresh(context, connection)
    await grant_consents(
        connection,
        context.master_key,
        context.operator,
        context.memory,
        issuer,
        checked,
        freshness,
    )


class _NotTogether(Exception):
    """Alone, each of them meets its own answer."""


async def _keep_answers(connection: AsyncConnection, answers: list[KeptAnswer]) -> None:
    """Raises _NotTogether for a key that was used before: the answer is known, or the key is
    another request's. Waits, as `write_once` does, for whoever carries out one under such a key."""
    if not answers:
        return
    await lock(connection, *[each.lock_name for each in answers])
    rows: list[dict[str, Any]] = [each._asdict() for each in answers]
    statement = insert(tables.idempotency).values(rows).on_conflict_do_nothing()
    new = await connection.scalars(statement.returning(tables.idempotency.c.key))
    if len(new.all()) < len(answers):
        raise _NotTogether


def shared_grants_of(request: Request) -> SharedGrants:
    """What the application carries."""
    shared: SharedGrants = request.app.state.shared_grants
    return shared


Shared = Annotated[SharedGrants, Depends(shared_grants_of)]
