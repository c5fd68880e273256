"""One process of a node, by name. Each loads what it needs and no more, so that all start fast."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module

from node.config import Settings
from node.logs import configure_logs

SERVICES = ("indexer", "sender", "webhooks", "api")
OPEN_REQUESTS_SECONDS = 2
"""How long a stopping API waits for requests that it has begun to answer."""

HEAD_BYTES_MAX = 64 * 1024
"""Of a request's first line and headers, before the application sees them; it allows less."""

Run = Callable[[Settings], None]


def serve(name: str, wait: bool = False) -> None:
    """Runs the process until Ctrl-C or SIGTERM.

    With `wait` it loads its modules and then waits for a line on its standard input: a supervisor
    lets the processes load while it prepares what they need.
    """
    configure_logs(Settings().log_level)
    loaders = {
        "api": load_api,
        "indexer": load_indexer,
        "sender": load_sender,
        "webhooks": load_webhooks,
    }
    run = loaders[name]()
    if wait and not sys.stdin.readline():
        return
    run(Settings())


def load_api() -> Run:
    """The HTTP interface, on granian, whose worker inherits the modules loaded here."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings, HTTP2Settings

    import_module("node.api.app")
    parent = import_module("node.api.parent")

    def run(settings: Settings) -> None:
        os.register_at_fork(after_in_child=partial(parent.end_with_parent, os.getpid()))
        Granian(
            "node.api.app:create_server",
            factory=True,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            log_access=False,  # the application writes its own, without addresses
            http1_settings=HTTP1Settings(
                header_read_timeout=int(1_000 * settings.request_seconds_max),
                max_buffer_size=HEAD_BYTES_MAX,
            ),
            http2_settings=HTTP2Settings(max_headers_size=HEAD_BYTES_MAX),
            # A stream of events has no end of its own: a stop does not wait for it.
            workers_kill_timeout=OPEN_REQUESTS_SECONDS,
        ).serve()

    return run


def load_indexer() -> Run:
    """The indexer, under its own database role."""
    from node.bootstrap import indexer_engine, load_node, make_indexer
    from node.process_metrics import BLOCKS_INDEXED, BOOKS_COMPARED, INDEXER, Teller

    def run(settings: Settings) -> None:
        stop = stop_on_signals()
        indexer = make_indexer(load_node(settings))
        teller = Teller(indexer_engine(settings), "indexer", INDEXER)

        def on_step(blocks: int) -> None:
            BLOCKS_INDEXED.inc(max(blocks, 0))
            if indexer.compared is not None:
                BOOKS_COMPARED.set(indexer.compared.block_number)
            teller.turn()

        indexer.follow(stop, settings.poll_seconds, on_step)

    return run


def load_sender() -> Run:
    """The sender, under its own database role, with the operator's key."""
    from node.bootstrap import load_node
    from node.sending.start import make_sender

    def run(settings: Settings) -> None:
        make_sender(load_node(settings)).run(stop_on_signals())

    return run


def load_webhooks() -> Run:
    """The delivery of webhooks, and of records to other nodes, under its own database role, with
    the keys that open secrets and records and that sign for the operator."""
    from node.bootstrap import load_node, require_database_url
    from node.db import WEBHOOKS_ROLE, async_engine, role_engine
    from node.process_metrics import WEBHOOKS, Teller, watch_deliveries
    from node.record_delivery import make_record_delivery
    from node.secret_files import load_master_key
    from node.webhook_delivery import POOL_SIZE, DeliverySettings, deliver_until

    def run(settings: Settings) -> None:
        database_url = require_database_url(settings)
        database = async_engine(database_url, WEBHOOKS_ROLE, POOL_SIZE)
        engine = role_engine(database_url, WEBHOOKS_ROLE)
        deliver_until(
            stop_on_signals(),
            database,
            database_url,
            load_master_key(settings.keys_dir),
            DeliverySettings(
                finality_blocks=settings.feed_finality,
                private_addresses=settings.webhook_private_addresses,
                failure_days=settings.webhook_failure_days,
            ),
            make_record_delivery(load_node(settings), database),
            Teller(engine, "webhooks", WEBHOOKS, watch_deliveries).turn,
        )

    return run


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: stop.set())
    return stop


if __name__ == "__main__":
    serve(sys.argv[1], wait="--wait" in sys.argv[2:])
