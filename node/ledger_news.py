"""News of the index for many waiters, over one connection that listens (PostgreSQL LISTEN).

A waiter takes the next news *before* it reads, so that nothing falls between reading and waiting:

    coming = news.coming()
    page = read()
    if not page: await coming.wait()
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from psycopg import AsyncConnection, Error
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from indexer.cursor import NEWS_CHANNEL

LOOK_AGAIN_SECONDS = 5.0
"""How long at most nobody looks, should a notification get lost."""

logger = structlog.get_logger("news")


class LedgerNews:
    """Wakes everybody who waits whenever the index has moved, and every few seconds besides."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url).set(drivername="postgresql")
        self._address = url.render_as_string(hide_password=False)
        self._coming = asyncio.Event()
        self.is_closed = False
        self.following: Counter[bytes] = Counter()
        """How many streams each organisation has open."""

    @property
    def followers(self) -> int:
        """How many streams are open in all."""
        return self.following.total()

    def coming(self) -> asyncio.Event:
        """The next news; set once something may be new."""
        return self._coming

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listens inside the block; after it everybody is woken to find it closed."""
        task = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            self.is_closed = True
            self._tell()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                connection = await AsyncConnection.connect(self._address, autocommit=True)
                async with connection:
                    await connection.execute(SQL("LISTEN {}").format(Identifier(NEWS_CHANNEL)))
                    while True:
                        self._tell()
                        async for _ in connection.notifies(
                            timeout=LOOK_AGAIN_SECONDS, stop_after=1
                        ):
                            pass
            except (Error, OSError) as error:
                logger.warning("not_listening", reason=str(error)[:300])
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
                self._tell()

    def _tell(self) -> None:
        told, self._coming = self._coming, asyncio.Event()
        told.set()
