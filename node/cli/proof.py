"""`ptx-ledger proof`: check a proof file, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from node.cli.output import AsJson, console, fail, print_json
from protocol.bundle_verification import Result, verify_bundle

app = typer.Typer(help="Proof files of consents.", no_args_is_help=True)

COLOURS = {Result.OK: "green", Result.FAILED: "red", Result.NOT_CHECKED: "yellow"}


@app.callback()
def proof() -> None:
    """Proof files of consents."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The proof file.")],
    as_json: AsJson = False,
) -> None:
    """Check everything that can be checked without asking anybody; status 1 if a part failed."""
    try:
        bundle = json.loads(file.read_text())
    except ValueError as error:
        fail(f"{file} is not JSON: {error}. Ask for the proof file again.")
    sections = verify_bundle(bundle)
    if as_json:
        print_json(
            [
                {"name": section.name, "result": section.result, "detail": section.detail}
                for section in sections
            ]
        )
    else:
        table = Table("part", "result", "why")
        for section in sections:
            colour = COLOURS[section.result]
            table.add_row(section.name, f"[{colour}]{section.result}[/{colour}]", section.detail)
        console.print(table)
    if any(section.result is Result.FAILED for section in sections):
        raise typer.Exit(1)
