"""`ptx-ledger proof`: check proof files, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from node.cli.output import AsJson, console, fail, print_json
from protocol.bundle_verification import Result, Section, is_refuted, verify_bundle

app = typer.Typer(help="Proof files of consents.", no_args_is_help=True)

COLOURS = {Result.OK: "green", Result.FAILED: "red", Result.NOT_CHECKED: "yellow"}


@app.callback()
def proof() -> None:
    """Proof files of consents."""


@app.command()
def verify(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="Proof files.", metavar="FILE")
    ],
    as_json: AsJson = False,
) -> None:
    """Check everything that can be checked without asking anybody; status 1 if a part failed."""
    checked = [(file, verify_bundle(_read(file))) for file in files]
    if as_json:
        print_json([_as_json(file, sections) for file, sections in checked])
    else:
        for file, sections in checked:
            console.print(_as_table(file, sections))
    if any(is_refuted(sections) for _, sections in checked):
        raise typer.Exit(1)


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        fail(f"{file} is not JSON that can be read: {error}. Ask for the proof file again.")


def _as_json(file: Path, sections: list[Section]) -> dict[str, Any]:
    return {
        "file": str(file),
        "refuted": is_refuted(sections),
        "parts": [
            {"name": section.name, "result": section.result, "detail": section.detail}
            for section in sections
        ],
    }


def _as_table(file: Path, sections: list[Section]) -> Table:
    table = Table("part", "result", "why", title=str(file), title_justify="left")
    for section in sections:
        colour = COLOURS[section.result]
        table.add_row(section.name, f"[{colour}]{section.result}[/{colour}]", section.detail)
    return table
