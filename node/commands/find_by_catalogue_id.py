"""Finds who of the participants is meant by an id of the association's catalogue."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.participants import find_dids_ending_in
from node.db import query
from protocol.prometheus_x import catalogue_id


async def find_by_catalogue_id(
    connection: AsyncConnection, catalogue_ids: Collection[str]
) -> dict[str, str]:
    """The DID of the participant whose DID ends in the id, by the id; nobody where several do."""
    found: dict[str, list[str]] = {}
    for did in await query(connection, find_dids_ending_in, catalogue_ids):
        found.setdefault(catalogue_id(did.replace(":", "/")), []).append(did)
    return {ending: dids[0] for ending, dids in found.items() if len(dids) == 1}
