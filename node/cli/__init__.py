"""`ptx-ledger`: the command line, a module a noun.

`consent, request, agreement, statement, key, person, organisation` speak HTTP to a node; `run,
serve, index, outbox, books, did, backup, restore` open the database; `contracts verify` asks the
chain alone; `proof verify` asks nobody, and `settings` says what can be set. `--json` prints for
machines. Only the module of the command that is asked for is loaded, so that each starts fast.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from node.cli.output import complain

COMMANDS = {
    "run": "run",
    "serve": "run",
    "demo": "demo",
    "settings": "settings",
    "backup": "backup",
    "restore": "backup",
}
GROUPS = (
    *("consent", "request", "agreement", "statement", "key", "person", "organisation"),
    *("proof", "index", "outbox", "books", "contracts", "did"),
)
HELP = "Consents, data-use agreements and commission accounting of the Prometheus-X data space."


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that the arguments name, or with all for the help."""
    app = typer.Typer(
        name="ptx-ledger", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback()(lambda: None)
    asked = arguments[0] if arguments else ""
    one = asked in COMMANDS or asked in GROUPS
    for name in [asked] if one else sorted({*COMMANDS.values(), *GROUPS}):
        if name in GROUPS:
            app.add_typer(import_module(f"node.cli.{name}").app, name=name)
        else:
            import_module(f"node.cli.{COMMANDS[name]}").register(app)
    return app


NO_DATABASE = "Start the node with `make run`, or correct DATABASE_URL."


def main() -> None:
    """Runs the command line; a known error is a sentence on stderr and status 1."""
    try:
        build_app(sys.argv[1:])()
    except OSError as error:
        complain(str(error))
        sys.exit(1)
    except Exception as error:
        if type(error).__name__ == "OperationalError":  # SQLAlchemy's
            reason = str(getattr(error, "orig", error)).strip()
            complain(f"The database does not answer: {reason}\n{NO_DATABASE}")
        elif (
            type(error).__name__ == "ValidationError" and getattr(error, "title", "") == "Settings"
        ):
            complain(import_module("node.cli.settings").what_is_wrong(error))
        elif hasattr(error, "remedy") or type(error).__module__.split(".")[0] == "node":
            complain(str(error))
        else:
            raise
        sys.exit(1)
