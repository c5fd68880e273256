"""How the command line speaks: Rich for people, one JSON value for machines, errors on stderr."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

PIPE_WIDTH = 200

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
_errors = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")]


def complain(message: str) -> None:
    """Says on stderr what went wrong."""
    _errors.print(f"[red]error[/red] {escape(message)}", soft_wrap=True)


def fail(message: str) -> NoReturn:
    """Says what went wrong and ends with status 1."""
    complain(message)
    raise typer.Exit(1)


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_time(unix_seconds: int) -> str:
    """`2026-11-24 18:02:07 UTC`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def show_amount(amount_minor: int) -> str:
    """Base units as tokens: 1,250,000 is `1.250000`."""
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), 1_000_000)
    return f"{sign}{whole:,}.{part:06d}"
