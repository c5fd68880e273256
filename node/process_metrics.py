"""What processes without a door of their own count: each writes it to the database every few
seconds, and the API's `/metrics` shows it beside its own. One address is watched for the whole
node, on whichever machines its processes run, and a process that no longer turns falls silent.

No label ever carries a person, a leaf or a key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables

TELL_SECONDS = 5.0
TURNING = ("indexer", "sender", "webhooks")
"""Those that tell for as long as they run."""
RECENT_TRANSACTIONS = 10_000

SENDER = CollectorRegistry()
CHAIN_HEAD = Gauge(
    "ptx_sender_head_block", "The chain's last block, as the sender saw it", registry=SENDER
)
NONCE_ON_CHAIN = Gauge(
    "ptx_sender_nonce_on_chain", "How many transactions of the key are in blocks", registry=SENDER
)
NONCE_GAP = Gauge(
    "ptx_sender_nonce_gap",
    "Nonces between the last in a block and the first that is under way: 0 unless one is missing",
    registry=SENDER,
)
UNDER_WAY = Gauge("ptx_sender_under_way", "Transactions in no block yet", registry=SENDER)
OFFERS_REFUSED = Counter(
    "ptx_sender_offers_refused_total",
    "Offers that a node did not take",
    ["answer"],
    registry=SENDER,
)
ACTS_REFUSED = Counter(
    "ptx_sender_acts_refused_total", "Acts that the contracts refuse", ["kind"], registry=SENDER
)
HELD_BACK = Gauge(
    "ptx_outbox_held_back",
    "Acts that a contract or the chain's node refuses for now, and that are tried again",
    ["reason"],
    registry=SENDER,
)
HELD_BACK_SECONDS = Gauge(
    "ptx_outbox_held_back_oldest_seconds", "Age of the oldest of them", ["reason"], registry=SENDER
)
FILLED = Counter(
    "ptx_sender_filled_total", "Nonces used up by a transaction that does nothing", registry=SENDER
)
WITHDRAWAL_SECONDS = Histogram(
    "ptx_withdrawal_seconds",
    "From the acceptance of a withdrawal to the block that has it",
    buckets=(0.5, 1, 2, 3, 5, 8, 15, 30, 60, 300, 3_600),
    registry=SENDER,
)

INDEXER = CollectorRegistry()
BLOCKS_INDEXED = Counter("ptx_indexer_blocks_total", "Blocks that were read", registry=INDEXER)
BOOKS_COMPARED = Gauge(
    "ptx_books_compared_block",
    "The block as of which books and contracts said the same last",
    registry=INDEXER,
)

WEBHOOKS = CollectorRegistry()
DELIVERED = Counter("ptx_webhooks_delivered_total", "Messages that were taken", registry=WEBHOOKS)
NOT_DELIVERED = Counter(
    "ptx_webhooks_not_delivered_total", "Attempts that failed", registry=WEBHOOKS
)

DELIVERIES = Gauge(
    "ptx_deliveries",
    "Records, and orders to erase them, that another node has not confirmed, or refuses for good",
    ["kind", "state"],
    registry=WEBHOOKS,
)
DELIVERIES_OLDEST_SECONDS = Gauge(
    "ptx_deliveries_oldest_seconds",
    "Age of the oldest that waits for its confirmation",
    ["kind"],
    registry=WEBHOOKS,
)
DELIVERY_KINDS = ("record", "erasure")

BACKUP = CollectorRegistry()
BACKUP_MADE_AT = Gauge(
    "ptx_backup_made_at_seconds", "When the newest backup was begun, Unix time", registry=BACKUP
)

_WITHDRAWN_SINCE = text(
    "SELECT extract(epoch FROM t.mined_at - o.created_at)::float8"
    " FROM node.transactions AS t JOIN node.outbox AS o USING (transaction_id)"
    " WHERE o.kind = 'withdraw' AND t.mined_at > :since AND t.transaction_id >"
    " (SELECT coalesce(max(transaction_id), 0) - :recent FROM node.transactions)"
)

_HELD_BACK = text(
    "SELECT failure ->> 'name' AS reason, count(*) AS acts,"
    " extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_seconds"
    " FROM node.outbox WHERE state = 'waiting' AND failure ->> 'name' IS NOT NULL GROUP BY reason"
)

_DELIVERIES = text(
    "SELECT kind, state, count(*) AS deliveries,"
    " extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_seconds"
    " FROM node.deliveries WHERE state IN ('waiting', 'refused') GROUP BY kind, state"
)

logger = structlog.get_logger("metrics")


class Teller:
    """Of one process. `observers` read what is counted from the database itself."""

    def __init__(
        self,
        engine: Engine,
        process: str,
        registry: CollectorRegistry,
        *observers: Callable[[Connection], None],
    ) -> None:
        self._engine = engine
        self._process = process
        self._registry = registry
        self._observers = observers
        self._tell_again_at = 0.0

    def turn(self) -> None:
        """Once a turn of the process's loop: tells where it is time to."""
        if time.monotonic() < self._tell_again_at:
            return
        self._tell_again_at = time.monotonic() + TELL_SECONDS
        try:
            with self._engine.begin() as connection:
                for observe in self._observers:
                    observe(connection)
                tell(connection, self._process, generate_latest(self._registry).decode())
        except DBAPIError as error:
            logger.warning("not_told", process=self._process, reason=str(error.orig)[:300])


def tell(connection: Connection, process: str, exposition: str) -> None:
    """Writes what a process counts, in Prometheus' text format, in place of what it was."""
    values = {"told_at": func.clock_timestamp(), "exposition": exposition}
    statement = insert(tables.process_metrics).values(process=process, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["process"], set_=values))


class WithdrawalWatch:
    """Observes how long withdrawals took that came into a block since the last turn."""

    def __init__(self) -> None:
        self._since: object = None

    def __call__(self, connection: Connection) -> None:
        """Once a turn."""
        now = connection.execute(select(func.now())).scalar_one()
        if self._since is not None:
            asked = {"since": self._since, "recent": RECENT_TRANSACTIONS}
            for seconds in connection.execute(_WITHDRAWN_SINCE, asked).scalars():
                WITHDRAWAL_SECONDS.observe(max(seconds, 0.0))
        self._since = now


def watch_held_back(connection: Connection) -> None:
    """Counts what waits because it is refused, by the reason's name: a contract's own, or one of
    `node/sending/failures.py`."""
    HELD_BACK.clear()
    HELD_BACK_SECONDS.clear()
    for row in connection.execute(_HELD_BACK):
        HELD_BACK.labels(row.reason).set(row.acts)
        HELD_BACK_SECONDS.labels(row.reason).set(max(row.oldest_seconds, 0.0))


def watch_deliveries(connection: Connection) -> None:
    """Counts what other nodes have not confirmed, and what they refuse."""
    rows = {(row.kind, row.state): row for row in connection.execute(_DELIVERIES)}
    for kind in DELIVERY_KINDS:
        for state in ("waiting", "refused"):
            row = rows.get((kind, state))
            DELIVERIES.labels(kind, state).set(0 if row is None else row.deliveries)
        waiting = rows.get((kind, "waiting"))
        oldest = 0.0 if waiting is None else max(waiting.oldest_seconds, 0.0)
        DELIVERIES_OLDEST_SECONDS.labels(kind).set(oldest)


@dataclass(frozen=True, slots=True)
class Told:
    """What a process told last, and how long ago."""

    process: str
    exposition: str
    silent_seconds: float


async def read_told(connection: AsyncConnection) -> Sequence[Told]:
    """Of everything that ever told anything: what turns, and the last backup."""
    told = tables.process_metrics.c
    silent = func.extract("epoch", func.clock_timestamp() - told.told_at)
    rows = await connection.execute(select(told.process, told.exposition, silent.label("silent")))
    return [Told(row.process, row.exposition, float(row.silent)) for row in rows]
