"""The agreements that a form lets choose among."""

from __future__ import annotations

from indexer.queries.agreements import agreement_ids_of
from node.api.context import Context
from node.api.principal import Principal
from node.db import query

AGREEMENTS_MAX = 500


async def agreements_of(context: Context, visitor: Principal) -> list[bytes]:
    """Ids of those that the visitor's organisation is a party of, at most so many."""
    of_visitor = (agreement_ids_of, visitor.organisation_id, b"", AGREEMENTS_MAX)
    async with context.database.connect() as connection:
        return await query(connection, *of_visitor)
