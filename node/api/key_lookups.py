"""Whose an API key is: those who come with it at the same time share a query.

Each answer is of a query that began after it was asked for, so a revoked key is no key at once.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from node.commands.coalescing import Coalescer
from node.db import single_statements

PRINCIPAL_OF = text("SELECT * FROM node.principal_of(:asked)")


class KeyLookups:
    """Of one process of the API."""

    def __init__(self, database: AsyncEngine) -> None:
        self._database = single_statements(database)
        self._rows: Coalescer[None, Any | None] = Coalescer(self._read, 1)

    async def find(self, key_hash: bytes) -> Any | None:
        """The row of `node.principal_of`; None if the key is unknown, expired or revoked."""
        return await self._rows.ask(key_hash, [])

    async def _read(self, key_hash: bytes, _: list[None]) -> Any | None:
        async with self._database.connect() as connection:
            return (await connection.execute(PRINCIPAL_OF, {"asked": key_hash})).one_or_none()
