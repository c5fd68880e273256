"""`ptx-ledger books`: the double-entry books against the chain's own balances."""

from __future__ import annotations

import typer
from rich.table import Table

from indexer.books import check_books
from indexer.chain import Chain
from node.bootstrap import load_node, require_database_url
from node.cli.local import local_settings
from node.cli.output import AsJson, console, print_json, show_amount
from node.contracts import ALL_CONTRACTS
from node.db import owner_engine

app = typer.Typer(
    help="The books of tokens, deposits, balances and commission.", no_args_is_help=True
)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Read every account's balance from the contracts and compare it with the books."""
    settings = local_settings()
    deployment = load_node(settings).deployment
    addresses = {name: deployment.address_bytes(name) for name in ALL_CONTRACTS}
    engine = owner_engine(require_database_url(settings))
    assert settings.chain_url is not None
    with engine.connect() as connection:
        checks = check_books(connection, Chain(settings.chain_url), addresses)
    balanced = sum(check.books_minor for check in checks) == 0
    agreed = all(check.agrees for check in checks)
    if as_json:
        accounts = [
            {
                "account": check.account,
                "booksMinor": check.books_minor,
                "chainMinor": check.chain_minor,
            }
            for check in checks
        ]
        print_json({"balanced": balanced, "equalsChain": agreed, "accounts": accounts})
    else:
        table = Table("account", "books", "chain", "")
        for check in checks:
            mark = "equal" if check.agrees else "[red]DIFFERENT[/red]"
            books, chain = show_amount(check.books_minor), show_amount(check.chain_minor)
            table.add_row(shorten(check.account), books, chain, mark)
        console.print(table)
        console.print(f"sum of all accounts is zero: {'yes' if balanced else '[red]no[/red]'}")
    if not (balanced and agreed):
        raise typer.Exit(1)


def shorten(account: str) -> str:
    """An account's name with its long numbers cut in the middle."""
    parts = [part if len(part) <= 14 else f"{part[:8]}…{part[-4:]}" for part in account.split(":")]
    return ":".join(parts)
