"""`ptx-ledger statement`: what was settled in a month."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, print_json, show_amount, show_time

app = typer.Typer(help="Statements of a month.", no_args_is_help=True)


@app.callback()
def statement() -> None:
    """Statements of a month."""


@app.command()
def show(
    month: Annotated[str, typer.Argument(help="Booking month, YYYY-MM, Europe/Paris.")],
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
        answer = client.get_whole(f"/v1/statements/{month}", "lines", **parameters)
    if as_json:
        print_json(answer)
    else:
        print_statement(answer)


def print_statement(answer: dict[str, Any]) -> None:
    """The statement as a table."""
    table = Table(
        *("settled", "agreement", "payer", "payee", "category", "use in", "units"),
        *("gross", "net", "commission"),
    )
    table.add_column("transaction", overflow="fold")
    for line in answer["lines"]:
        table.add_row(
            show_time(line["settledAt"]),
            *(f"{line[name][:10]}…" for name in ("agreementId", "consumer", "payee")),
            str(line["category"]),
            line["period"] + (" (previous)" if line["previousPeriods"] else ""),
            f"{line['fromUnits']}–{line['toUnits']}",
            show_amount(line["grossMinor"]),
            show_amount(line["netMinor"]),
            show_amount(line["commissionMinor"]),
            line["transactionHash"],
        )
    table.add_section()
    totals = [show_amount(answer[name]) for name in ("grossMinor", "netMinor", "commissionMinor")]
    table.add_row("total", *[""] * 6, *totals, "")
    provisional = ", provisional" if answer["provisional"] else ""
    console.print(f"settled in {answer['month']}{provisional}; use times {answer['useTimes']}")
    console.print(table)
