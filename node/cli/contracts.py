"""`ptx-ledger contracts`: whether the contracts on chain are those of the sources."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from node.cli.local import chain_settings
from node.cli.output import AsJson, console, fail, print_json
from node.contracts import load_deployment

if TYPE_CHECKING:  # what loads web3 is imported where it is used
    from node.powers import Powers

app = typer.Typer(help="The contracts on chain.", no_args_is_help=True)

ANSWERS = {True: "equal", False: "[red]DIFFERENT[/red]", None: "[yellow]not recorded[/yellow]"}


@app.callback()
def contracts() -> None:
    """The contracts on chain."""


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Compile the sources again and compare with the code on chain, and show who governs; status 1
    if one differs, or if somebody acts without the timelock or proposes to it alone.

    Needs a clone of the project, the record of the deployment and CHAIN_URL; no node, no database.
    """
    from node.compilation import RUNTIME_BYTES_MAX, SourcesMissing, compile_contracts
    from node.contract_verification import verify_contracts, verify_proposer
    from node.powers import read_powers
    from node.wallet import connect_chain, require_chain

    settings = chain_settings()
    deployment = load_deployment(settings.deployment_file)
    web3 = connect_chain(settings)
    require_chain(web3, deployment.chain_id)
    columns = (SpinnerColumn(), TextColumn("compiling the contracts"))
    try:
        with Progress(*columns, console=console, transient=True, disable=as_json) as progress:
            progress.add_task("")
            compiled = compile_contracts(tuple(deployment.addresses))
    except SourcesMissing as error:
        fail(str(error))
    checks = verify_contracts(web3, deployment, compiled)
    if deployment.proposer is not None:
        checks += verify_proposer(web3, deployment.proposer)
    powers = read_powers(web3, deployment)
    concerns = powers.concerns(deployment)
    if as_json:
        told = {"contracts": [asdict(check) for check in checks], "powers": asdict(powers)}
        print_json({**told, "concerns": concerns})
    else:
        table = Table("contract", "address", f"bytes of {RUNTIME_BYTES_MAX:,}", "code", "creation")
        for check in checks:
            answers = (ANSWERS[check.code_agrees], ANSWERS[check.creation_agrees])
            table.add_row(check.name, check.address, f"{check.size_bytes:,}", *answers)
        console.print(table)
        _show_powers(powers)
        for concern in concerns:
            console.print(f"[red]{concern}[/red]")
    if concerns or not all(check.agrees for check in checks):
        raise typer.Exit(1)


def _show_powers(powers: Powers) -> None:
    console.print(f"the timelock's delay: {powers.delay_seconds:,} s")
    for address, ownership in powers.proposers.items():
        told = "not the code of a Safe"
        if ownership is not None:
            owners = f"{ownership.threshold} of {len(ownership.owners)} owners sign each act"
            told = f"a Safe: {owners}, {len(ownership.modules)} modules"
        console.print(f"proposer: {address}, {told}")
