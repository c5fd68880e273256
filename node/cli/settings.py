"""`ptx-ledger settings`: what can be set, in which variable, and what it means."""

from __future__ import annotations

import os

import typer
from pydantic import ValidationError
from rich.table import Table

from node.cli.output import AsJson, console, print_json
from node.config import Settings

NOT_SET = "–"
API_KEY = "PTX_API_KEY"
"""What the command line reads itself."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(settings)


def settings(as_json: AsJson = False) -> None:
    """List the environment variables that a node reads, with defaults and meanings."""
    fields = {Settings.variable(name): field for name, field in Settings.model_fields.items()}
    defaults = {
        variable: None if field.default is None else str(field.default)
        for variable, field in fields.items()
    }
    if as_json:
        print_json(
            [
                {
                    "variable": variable,
                    "default": defaults[variable],
                    "meaning": field.description,
                    "isSet": variable in os.environ,
                }
                for variable, field in fields.items()
            ]
        )
        return
    table = Table("variable", "default", "meaning")
    for variable, field in fields.items():
        mark = " [green](set)[/green]" if variable in os.environ else ""
        table.add_row(variable + mark, defaults[variable] or NOT_SET, field.description)
    console.print(table)
    unread = [name for name in os.environ if name.startswith("PTX_") and name not in fields]
    for name in sorted({*unread} - {API_KEY}):
        console.print(f"[yellow]{name}[/yellow] is set, and nothing reads it.")


def what_is_wrong(error: ValidationError) -> str:
    """A sentence for each variable that holds what it may not, and where to look."""
    wrong = []
    for each in error.errors(include_url=False):
        message = each["msg"].removeprefix("Value error, ")
        names = [Settings.variable(str(name)) for name in each["loc"][:1]]
        wrong.append(" ".join([*(f"{name} is {each['input']!r}:" for name in names), message]))
    return "\n".join([*wrong, "`ptx-ledger settings` lists what can be set."])
