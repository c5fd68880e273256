"""How a command hands out a secret: into a private file, or once on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from node.cli.output import console, fail
from node.secret_files import write_private

OutputOption = Annotated[
    Path | None,
    typer.Option("--output", help="File for the secret, mode 0600; else it is printed once."),
]


def require_free(output: Path | None) -> None:
    """Ends the command, before anything is asked of the node, if the file is there already: it may
    hold another secret."""
    if output is not None and output.exists():
        fail(f"{output} exists already: name another file, or move it away.")


def hand_out(secret: str, output: Path | None) -> None:
    """Writes the secret into the file, or prints it on a line of its own."""
    if output is None:
        typer.echo(secret)
        return
    write_private(output, secret + "\n")
    console.print(f"the secret is in {output}, mode 0600")
