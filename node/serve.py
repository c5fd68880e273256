"""One process of a node, by name. Each loads what it needs and no more, so that all start fast."""

from __future__ import annotations

import signal
import sys
import threading

from node.config import Settings
from node.logs import configure_logs

SERVICES = ("indexer", "sender", "api")
HEAD_POLL_SECONDS = 0.5


def serve(name: str) -> None:
    """Runs the process until Ctrl-C or SIGTERM."""
    configure_logs()
    {"api": serve_api, "indexer": serve_indexer, "sender": serve_sender}[name](Settings())


def serve_api(settings: Settings) -> None:
    """The HTTP interface, on granian."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "node.api.app:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        log_access=False,
    ).serve()


def serve_indexer(settings: Settings) -> None:
    """The indexer, under its own database role."""
    from node.bootstrap import load_node, make_indexer

    stop = stop_on_signals()
    make_indexer(load_node(settings)).follow(stop, settings.poll_seconds, lambda blocks: None)


def serve_sender(settings: Settings) -> None:
    """The sender, under its own database role, with the operator's key."""
    from node.bootstrap import load_node, require_database_url
    from node.db import SENDER_ROLE, role_engine
    from node.keys import OPERATOR_KEY, load_or_create_account
    from node.sender import Sender, SenderSettings
    from node.wallet import connect_chain

    stop = stop_on_signals()
    sender = Sender(
        engine=role_engine(require_database_url(settings), SENDER_ROLE),
        web3=connect_chain(settings),
        account=load_or_create_account(settings.keys_dir, OPERATOR_KEY),
        deployment=load_node(settings).deployment,
        settings=SenderSettings(
            batch_seconds=settings.batch_seconds,
            poll_seconds=settings.poll_seconds,
            finality_blocks=settings.finality_blocks,
            head_poll_seconds=HEAD_POLL_SECONDS,
        ),
    )
    sender.run(stop)


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: stop.set())
    return stop


if __name__ == "__main__":
    serve(sys.argv[1])
