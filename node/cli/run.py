"""`ptx-ledger run` and `ptx-ledger serve`: the node and its processes."""

from __future__ import annotations

from enum import StrEnum

import typer

from node.cli.output import console, fail
from node.config import Settings

LOOPBACK = "127.0.0.1"


class Service(StrEnum):
    """The processes of a node."""

    API = "api"
    INDEXER = "indexer"
    SENDER = "sender"
    WEBHOOKS = "webhooks"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(run)
    app.command()(serve)


def run() -> None:
    """Start a whole node here, with its own database and chain unless told otherwise.

    `ptx-ledger settings` lists the environment variables that say where and how: PTX_PORT,
    PTX_STATE_DIR, DATABASE_URL, CHAIN_URL and others.
    """
    from node.embedded.supervisor import AlreadyRunning, ServiceDied, Supervisor
    from node.serve import stop_on_signals

    settings = Settings()
    stop = stop_on_signals()
    try:
        host_of_pages = "localhost" if settings.host == LOOPBACK else None
        supervisor = Supervisor(settings, lambda line: console.print(f"  {line}"), host_of_pages)
        console.print("starting the Prometheus-X ledger node")
        with supervisor.started() as running:
            console.print(f"  chain     {running.chain_url}", soft_wrap=True)
            console.print(f"  API key   {settings.api_key_file} (operator)", soft_wrap=True)
            console.print(f"  API docs  {running.public_url}/docs", soft_wrap=True)
            console.print(f"  open      {running.public_url}", soft_wrap=True)
            console.print("Ctrl-C stops all of it; `make demo` plays the whole line against it.")
            supervisor.watch(stop)
            console.print("stopping")
    except (AlreadyRunning, ServiceDied, RuntimeError) as error:
        fail(str(error))


def serve(service: Service) -> None:
    """Run one process of a node; DATABASE_URL and CHAIN_URL say with what."""
    from node.serve import serve as serve_process

    serve_process(service.value)
