"""Requests at the same time, held where each has read what is promised and none has promised."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from sqlalchemy import text

from tests.refusals import send
from tests.stage import Json, World, wait_until

WAITING = (
    "SELECT count(DISTINCT pid) AS waiting FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE NOT granted AND datname = current_database()"
)


def post_at_once(world: World, clients: list[Any], path: str, body: Json) -> list[httpx.Response]:
    """The answers to one request a client. The outbox takes no row until all of them wait: for the
    outbox, or for the one who waits for it."""
    with world.node.held("sender"), ThreadPoolExecutor(len(clients)) as pool:
        with world.node.engine.begin() as holding:
            holding.execute(text("LOCK TABLE node.outbox IN SHARE MODE"))
            sent = [pool.submit(send, client, "POST", path, body) for client in clients]
            wait_until(
                lambda: world.node.sql(WAITING)[0].waiting == len(clients), "all the requests"
            )
        return [future.result() for future in sent]
