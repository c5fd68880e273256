"""Delivers the change feed to webhooks: in order, at least once, one task a webhook.

A webhook's position moves in the database only after a 2xx, so a kill at any moment repeats the
last message and loses none. The receiver tells repetitions by `webhook-id`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import structlog
from sqlalchemy import case, func, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from standardwebhooks import Webhook as Signer

from indexer.queries.feed import (
    Message,
    Page,
    Position,
    PositionUnknown,
    Wanted,
    parse_position,
    read_page,
)
from node import tables
from node.api.schemas.events import LedgerEvent
from node.db import query, snapshots
from node.ledger_news import LOOK_AGAIN_SECONDS, LedgerNews
from node.outgoing import TargetRefused, open_client, pause_seconds, resolve_target
from node.process_metrics import DELIVERED, NOT_DELIVERED
from node.record_delivery import RecordDelivery
from node.sealing import SealedRecord, SealError
from node.webhook_secrets import unseal_webhook_secret

PAGE_LIMIT = 50
SKIPPED_BLOCKS = 100
POOL_SIZE = 8
CONCURRENT_REQUESTS_MAX = 50
REQUEST_SECONDS_MAX = 10.0
DELIVERY_LOCK = 0x50545832
GONE = "The receiver answered 410 Gone."

Clock = Callable[[], datetime]
logger = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """When an event is final, whether receivers may be on private addresses, and after how many
    days of failure a webhook is disabled."""

    finality_blocks: int
    private_addresses: bool
    failure_days: int


class DeliveryFailed(Exception):
    """The receiver did not take a message; the text says why."""


class ReceiverGone(DeliveryFailed):
    """The receiver wants no more messages."""


class Delivery:
    """Follows the feed for every webhook of the node."""

    def __init__(
        self,
        database: AsyncEngine,
        news: LedgerNews,
        master_key: bytes,
        settings: DeliverySettings,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_turn = on_turn
        self._database = database
        self._news = news
        self._master_key = master_key
        self._settings = settings
        self._requests = asyncio.Semaphore(CONCURRENT_REQUESTS_MAX)
        self._http = open_client()

    async def run(self) -> None:
        """Starts a task for each webhook that appears, until cancelled."""
        following: dict[bytes, asyncio.Task[None]] = {}
        try:
            while True:
                coming = self._news.coming()
                await asyncio.to_thread(self._on_turn)
                for webhook_id in await self._webhook_ids():
                    if webhook_id not in following or following[webhook_id].done():
                        following[webhook_id] = asyncio.create_task(self._follow(webhook_id))
                await coming.wait()
        finally:
            for task in following.values():
                task.cancel()
            await asyncio.gather(*following.values(), return_exceptions=True)
            await self._http.aclose()

    async def _webhook_ids(self) -> list[bytes]:
        try:
            async with self._database.connect() as connection:
                return list(await connection.scalars(select(tables.webhooks.c.webhook_id)))
        except SQLAlchemyError as error:
            logger.warning("database_not_reachable", reason=str(error)[:300])
            return []

    async def _follow(self, webhook_id: bytes) -> None:
        """Until the webhook is deleted."""
        while True:
            coming = self._news.coming()
            try:
                row = await self._read(webhook_id)
                if row is None:
                    return
                if row.disabled_reason is None and row.wait_seconds <= 0:
                    if await self.deliver_page(row):
                        continue
                    row = await self._read(webhook_id)
            except (SQLAlchemyError, PositionUnknown) as error:
                logger.warning("not_delivered", webhook=webhook_id.hex(), reason=str(error)[:300])
                row = None
            await _wait(coming, row)

    async def _read(self, webhook_id: bytes) -> Any | None:
        webhooks = tables.webhooks
        due = func.extract("epoch", webhooks.c.next_attempt_at - func.clock_timestamp())
        statement = select(webhooks, due.label("wait_seconds"))
        async with self._database.connect() as connection:
            found = await connection.execute(statement.where(webhooks.c.webhook_id == webhook_id))
            return found.one_or_none()

    async def deliver_page(self, row: Any) -> bool:
        """Sends what follows the webhook's position, one after the other; False if that was nothing
        or did not succeed."""
        position, page = row.position, await self._page(row)
        for message in page.messages:
            try:
                await self._send(row, message)
            except DeliveryFailed as failure:
                await self._record_failure(row, failure)
                return False
            # Set back meanwhile, or deleted: what the organisation says counts.
            if not await self._move(row.webhook_id, position, str(message.position)):
                return True
            DELIVERED.inc()
            position = str(message.position)
        if _is_far(parse_position(position), page.next):
            await self._move(row.webhook_id, position, str(page.next))
        return bool(page.messages)

    async def _page(self, row: Any) -> Page:
        names = frozenset(row.names)
        wanted = Wanted(self._settings.finality_blocks, names, not row.include_unfinal)
        async with snapshots(self._database).connect() as connection:
            return await query(
                connection, read_page, parse_position(row.position), wanted, PAGE_LIMIT
            )

    async def _send(self, row: Any, message: Message) -> None:
        """One request; raises DeliveryFailed unless it is answered 2xx. The answer's body is never
        read."""
        try:
            async with self._requests, asyncio.timeout(REQUEST_SECONDS_MAX):
                target = await resolve_target(row.url, self._settings.private_addresses)
                body, headers = self._sign(row, message)
                request = self._http.build_request(
                    "POST",
                    target.url,
                    content=body,
                    headers={"Host": target.host_header, **headers},
                    extensions={"sni_hostname": target.server_name},
                )
                answer = await self._http.send(request, stream=True)
                await answer.aclose()
        except TimeoutError:
            raise DeliveryFailed(f"No answer within {REQUEST_SECONDS_MAX:.0f} s.") from None
        except (httpx.HTTPError, TargetRefused, SealError) as error:
            raise DeliveryFailed(str(error)[:300] or type(error).__name__) from error
        if answer.status_code == httpx.codes.GONE:
            raise ReceiverGone(GONE)
        if not answer.is_success:
            raise DeliveryFailed(f"The receiver answered {answer.status_code}.")

    def _sign(self, row: Any, message: Message) -> tuple[str, dict[str, str]]:
        sealed = SealedRecord(row.sealed_secret, row.wrapped_key)
        signer = Signer(unseal_webhook_secret(sealed, row.webhook_id, self._master_key))
        body = json.dumps(LedgerEvent.of(message).to_json())
        message_id = message.event.event_id + ("-removed" if message.is_removed else "")
        now = datetime.now(UTC)
        return body, {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(message_id, now, body),
        }

    async def _move(self, webhook_id: bytes, before: str, after: str) -> bool:
        webhooks = tables.webhooks
        async with self._database.begin() as connection:
            moved = await connection.execute(
                update(webhooks)
                .where(webhooks.c.webhook_id == webhook_id, webhooks.c.position == before)
                .values(position=after, attempts=0, failing_since=None, last_failure=None)
            )
        return moved.rowcount == 1

    async def _record_failure(self, row: Any, failure: DeliveryFailed) -> None:
        NOT_DELIVERED.inc()
        logger.warning("not_delivered", webhook=row.webhook_id.hex(), reason=str(failure))
        webhooks = tables.webhooks
        days = self._settings.failure_days
        given_up = webhooks.c.failing_since < func.now() - func.make_interval(0, 0, 0, days)
        reason: Any = case((given_up, f"It failed for {days} days, at last so: {failure}"))
        if isinstance(failure, ReceiverGone):
            reason = str(failure)
        async with self._database.begin() as connection:
            await connection.execute(
                update(webhooks)
                .where(
                    webhooks.c.webhook_id == row.webhook_id,
                    webhooks.c.attempts == row.attempts,  # else it was set back meanwhile
                )
                .values(
                    attempts=row.attempts + 1,
                    failing_since=func.coalesce(webhooks.c.failing_since, func.now()),
                    next_attempt_at=func.clock_timestamp()
                    + func.make_interval(0, 0, 0, 0, 0, 0, pause_seconds(row.attempts)),
                    last_failure=str(failure),
                    disabled_reason=reason,
                )
            )


def _is_far(position: Position, following: Position) -> bool:
    """Whether so much lies between that is not for the webhook that it should not be read again;
    not after each block, for that would be a write for each webhook and block."""
    blocks = following.block_number - position.block_number
    return following.generation > position.generation or blocks >= SKIPPED_BLOCKS


async def _wait(coming: asyncio.Event, row: Any | None) -> None:
    """Until there is news, or until the next attempt of a webhook that failed is due."""
    pause = LOOK_AGAIN_SECONDS
    if row is not None and row.disabled_reason is None and row.wait_seconds > 0:
        # News do not hasten a receiver that is being spared.
        await asyncio.sleep(min(float(row.wait_seconds), pause))
        return
    try:
        await asyncio.wait_for(coming.wait(), pause)
    except TimeoutError:
        return


def deliver_until(
    stop: threading.Event,
    database: AsyncEngine,
    database_url: str,
    master_key: bytes,
    settings: DeliverySettings,
    records: RecordDelivery,
    on_turn: Callable[[], None] = lambda: None,
) -> None:
    """Runs until told to stop, with the delivery of records beside. One delivery a database: a
    second one waits for the first."""

    async def work() -> None:
        news = LedgerNews(database_url)
        async with database.connect() as connection, news.listening():
            await _lock(connection)
            async with asyncio.TaskGroup() as both:
                delivery = Delivery(database, news, master_key, settings, on_turn)
                both.create_task(delivery.run())
                both.create_task(records.run())

    asyncio.run(_until(stop, work))


async def _until(stop: threading.Event, work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    stopped = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    stop.set()  # else the thread that waits for it would outlive a task that failed
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
    if not task.cancelled():
        task.result()


async def _lock(connection: AsyncConnection) -> None:
    """Waits for the lock that only one delivery of a database holds, while the connection lives."""
    statement = text("SELECT pg_try_advisory_lock(:key)")
    while not (await connection.execute(statement, {"key": DELIVERY_LOCK})).scalar_one():
        await connection.commit()
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    await connection.commit()
