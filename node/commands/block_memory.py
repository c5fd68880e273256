"""What was read of participants and agreements as of one block, at which they cannot change: asked
once for all who come before the next block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from node.db import query

READ_MAX = 10_000

Result = TypeVar("Result")


class BlockMemory:
    """Of one process. What a later block brings is never kept for an earlier reader's sake: each
    keeps what it reads under the block that it began with."""

    def __init__(self) -> None:
        self._block_hash = b""
        self._read: dict[tuple[Any, bytes], Any] = {}

    async def find(
        self,
        connection: AsyncConnection,
        block_hash: bytes,
        read: Callable[[Connection, bytes], Result],
        identifier: bytes,
    ) -> Result:
        """What one of `indexer.queries` gives for an identifier, on a connection that has seen the
        index at this block or later."""
        if block_hash != self._block_hash or len(self._read) >= READ_MAX:
            self._block_hash, self._read = block_hash, {}
        known = self._read  # another block may come while this one is asked
        key = (read, identifier)
        if key not in known:
            known[key] = await query(connection, read, identifier)
        found: Result = known[key]
        return found
