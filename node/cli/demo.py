"""`ptx-ledger demo`: the whole line against a running node, or one that is started for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from node.cli.output import AsJson, complain, console, print_json
from node.cli.statement import print_statement
from node.client import NodeRefused, NodeUnreachable
from node.config import PROJECT_ROOT, Settings
from node.demo.documents import DocumentsMissing, read_documents
from node.demo.story import DemoBroken
from node.embedded.processes import Running
from node.intake.completion import CompletionUnreadable, read_completion
from node.wallet import TransactionReverted
from protocol.errors import DocumentUnreadable

EXAMPLES = PROJECT_ROOT / "examples"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    samples: Annotated[
        Path, typer.Option(help="Folder of Prometheus-X documents.", exists=True, file_okay=False)
    ] = EXAMPLES / "prometheus-x",
    terms: Annotated[
        Path, typer.Option(help="What the documents lack.", exists=True, dir_okay=False)
    ] = EXAMPLES / "terms.json",
    as_json: AsJson = False,
) -> None:
    """From a Prometheus-X document to a commission statement, each step with its transactions."""
    from node.demo.cast import open_stage
    from node.demo.narration import Narrator
    from node.demo.play import play

    try:
        documents, completion = read_documents(samples), read_completion(terms)
        with running_node(as_json) as (settings, running):
            stage = open_stage(settings, running.api_url)
            narrator = Narrator(console, stage.web3, print_statement, quiet=as_json)
            play(stage, documents, completion, narrator)
            if as_json:
                print_json(narrator.as_json())
            else:
                console.print("\n[green]All seven steps went as they must.[/green]")
    except (
        CompletionUnreadable,
        DemoBroken,
        DocumentUnreadable,
        DocumentsMissing,
        NodeRefused,
        NodeUnreachable,
        TimeoutError,
        TransactionReverted,
    ) as error:
        complain(str(error))
        raise typer.Exit(1) from error


@contextmanager
def running_node(quiet: bool) -> Iterator[tuple[Settings, Running]]:
    """The node that runs on this state directory; started for the block if there is none."""
    from node.client import running_node_url
    from node.embedded.supervisor import Supervisor

    settings = Settings()
    running = Running.load(settings.running_file)
    if running is not None and running_node_url(settings) is not None:
        yield complete(settings, running), running
        return

    def say(line: str) -> None:
        if not quiet:
            console.print(f"  {line}")

    say("no node is running here: starting one for the demo")
    with Supervisor(settings, say).started() as started:
        yield complete(settings, started), started


def complete(settings: Settings, running: Running) -> Settings:
    """Settings with the addresses of what runs."""
    return settings.model_copy(
        update={
            "deployment_path": settings.deployment_file,
            "chain_url": running.chain_url,
            "database_url": running.database_url,
        }
    )
