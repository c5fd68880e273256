"""`ptx-ledger run` and `ptx-ledger serve`: the node and its processes."""

from __future__ import annotations

import signal
import threading
from enum import StrEnum

import typer

from node.cli.output import console, fail
from node.config import Settings
from node.logs import configure_logs


class Service(StrEnum):
    """The processes of a node."""

    API = "api"
    INDEXER = "indexer"
    SENDER = "sender"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(run)
    app.command()(serve)


def run() -> None:
    """Start a whole node here, with its own database and chain unless told otherwise."""
    from node.embedded.supervisor import AlreadyRunning, ServiceDied, Supervisor

    settings = Settings()
    stop = stop_on_signals()
    try:
        supervisor = Supervisor(settings, lambda line: console.print(f"  {line}"))
        console.print("starting the Prometheus-X ledger node")
        with supervisor.started() as running:
            console.print(f"  chain     {running.chain_url}", soft_wrap=True)
            console.print(f"  API key   {settings.api_key_file} (operator)", soft_wrap=True)
            console.print(f"  API docs  {running.api_url}/docs", soft_wrap=True)
            console.print(f"  open      {running.api_url}", soft_wrap=True)
            console.print("Ctrl-C stops all of it; `make demo` plays the whole line against it.")
            supervisor.watch(stop)
            console.print("stopping")
    except (AlreadyRunning, ServiceDied, RuntimeError) as error:
        fail(str(error))


def serve(service: Service) -> None:
    """Run one process of a node; DATABASE_URL and CHAIN_URL say with what."""
    settings = Settings()
    configure_logs()
    if service is Service.API:
        _serve_api(settings)
        return
    stop = stop_on_signals()
    from node.bootstrap import load_node, make_indexer, make_sender

    node = load_node(settings)
    if service is Service.INDEXER:
        make_indexer(node).follow(stop, settings.poll_seconds, lambda blocks: None)
    else:
        make_sender(node).run(stop)


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: stop.set())
    return stop


def _serve_api(settings: Settings) -> None:
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
