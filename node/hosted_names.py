"""What are the organisations called that this node hosts?

The chain knows them by their DIDs alone. The node's operator writes a name when it hosts one, and
vouches for it towards everybody who looks at this node's pages, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NAMES = text("SELECT organisation_id, name FROM node.names_hosted(:asked)")


async def names_hosted(
    connection: AsyncConnection, organisations: Collection[bytes]
) -> dict[bytes, str]:
    """A name for each of them that is hosted here; public, so nobody need say who asks."""
    rows = await connection.execute(NAMES, {"asked": list(organisations)})
    return {bytes(row.organisation_id): row.name for row in rows}
