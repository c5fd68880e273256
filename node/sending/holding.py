"""One holder of a key at a time, by an advisory lock of PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from node.sending.clock import Clock

ASK_AGAIN_SECONDS = 1.0
CHECK_SECONDS = 1.0


class Hold:
    """The lock, which its connection keeps."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._check_again_at = 0.0

    def require(self) -> None:
        """Raises SQLAlchemy's DBAPIError where the lock's connection has ended; asks once a
        second. The fence of the journal holds in between."""
        if self._clock.monotonic() >= self._check_again_at:
            self._connection.execute(text("SELECT 1"))
            self._connection.commit()
            self._check_again_at = self._clock.monotonic() + CHECK_SECONDS


@contextmanager
def held_key(
    engine: Engine, address: bytes, clock: Clock, stop: threading.Event
) -> Iterator[Hold | None]:
    """Waits until nobody else holds the key, and holds it in the block; None if told to stop."""
    name = int.from_bytes(address[:8], "big", signed=True)
    statement = text("SELECT pg_try_advisory_lock(:name)")
    with engine.connect() as connection:
        connection.detach()  # the lock ends with it, not with the pool
        while not stop.is_set():
            has_lock = connection.execute(statement, {"name": name}).scalar_one()
            connection.commit()
            if has_lock:
                yield Hold(connection, clock)
                return
            clock.pause(stop, ASK_AGAIN_SECONDS)
    yield None
