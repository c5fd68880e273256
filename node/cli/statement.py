"""`ptx-ledger statement`: what was settled for a month of use."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, print_json, show_amount, show_time

app = typer.Typer(help="Statements of a month of use.", no_args_is_help=True)


@app.callback()
def statement() -> None:
    """Statements of a month of use."""


@app.command()
def show(
    period: Annotated[str, typer.Argument(help="Month of use, YYYY-MM, UTC.")],
    organisation: Annotated[
        str | None, typer.Option(help="Only lines in which this organisation (id) pays or is paid.")
    ] = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """Every settled price line: gross = net + commission, with its transaction."""
    with connected(node, key, profile) as client:
        parameters = {"organisation": organisation} if organisation else {}
        answer = client.get(f"/v1/statements/{period}", **parameters)
    if as_json:
        print_json(answer)
    else:
        print_statement(answer)


def print_statement(answer: dict[str, Any]) -> None:
    """The statement as a table."""
    table = Table(
        "settled", "agreement", "payer", "payee", "category", "units", "gross", "net", "commission"
    )
    table.add_column("transaction", overflow="fold")
    for line in answer["lines"]:
        table.add_row(
            show_time(line["settledAt"]),
            *(f"{line[name][:10]}…" for name in ("agreementId", "consumer", "payee")),
            str(line["category"]),
            f"{line['fromUnits']}–{line['toUnits']}",
            show_amount(line["grossMinor"]),
            show_amount(line["netMinor"]),
            show_amount(line["commissionMinor"]),
            line["transactionHash"],
        )
    table.add_section()
    totals = [show_amount(answer[name]) for name in ("grossMinor", "netMinor", "commissionMinor")]
    table.add_row("total", *[""] * 5, *totals, "")
    provisional = ", provisional" if answer["provisional"] else ""
    console.print(f"use in {answer['period']}{provisional}; use times {answer['useTimes']}")
    console.print(table)
