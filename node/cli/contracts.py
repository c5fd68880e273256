"""`ptx-ledger contracts`: whether the contracts on chain are those of the sources."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from node.cli.local import local_settings
from node.cli.output import AsJson, console, fail, print_json
from node.contracts import load_deployment

app = typer.Typer(help="The contracts on chain.", no_args_is_help=True)

ANSWERS = {True: "equal", False: "[red]DIFFERENT[/red]", None: "[yellow]not recorded[/yellow]"}


@app.callback()
def contracts() -> None:
    """The contracts on chain."""


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Compile the sources again and compare with the code on chain; status 1 if one differs."""
    from node.compilation import RUNTIME_BYTES_MAX, SourcesMissing, compile_contracts
    from node.contract_verification import verify_contracts
    from node.wallet import connect_chain

    settings = local_settings()
    deployment = load_deployment(settings.deployment_file)
    columns = (SpinnerColumn(), TextColumn("compiling the contracts"))
    try:
        with Progress(*columns, console=console, transient=True, disable=as_json) as progress:
            progress.add_task("")
            compiled = compile_contracts(tuple(deployment.addresses))
    except SourcesMissing as error:
        fail(str(error))
    checks = verify_contracts(connect_chain(settings), deployment, compiled)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        table = Table("contract", "address", f"bytes of {RUNTIME_BYTES_MAX:,}", "code", "creation")
        for check in checks:
            answers = (ANSWERS[check.code_agrees], ANSWERS[check.creation_agrees])
            table.add_row(check.name, check.address, f"{check.size_bytes:,}", *answers)
        console.print(table)
    if not all(check.agrees for check in checks):
        raise typer.Exit(1)
