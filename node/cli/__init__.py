"""`ptx-ledger`: the command line, a module a noun.

`consent, agreement, statement` speak HTTP to a node; `run, serve, index, books` open the database;
`proof verify` opens neither. `--json` prints for machines.
"""

from __future__ import annotations

import sys

import typer

from node.cli import agreement, books, consent, demo, index, proof, run, statement
from node.cli.output import complain
from node.contracts import DeploymentMissing
from node.keys import KeyFileError
from node.wallet import TransactionReverted
from protocol.errors import ProtocolError

app = typer.Typer(
    name="ptx-ledger",
    help="Consents, data-use agreements and commission accounting of the Prometheus-X data space.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
run.register(app)
demo.register(app)
app.add_typer(consent.app, name="consent")
app.add_typer(agreement.app, name="agreement")
app.add_typer(statement.app, name="statement")
app.add_typer(proof.app, name="proof")
app.add_typer(index.app, name="index")
app.add_typer(books.app, name="books")


def main() -> None:
    """Runs the command line; a known error is a sentence on stderr and status 1."""
    try:
        app()
    except (DeploymentMissing, KeyFileError, ProtocolError, TransactionReverted) as error:
        complain(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
