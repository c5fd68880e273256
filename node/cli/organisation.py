"""`ptx-ledger organisation`: organisations that this node hosts."""

from __future__ import annotations

from typing import Annotated

import typer

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import console
from node.cli.secret_output import OutputOption, hand_out, require_free

app = typer.Typer(help="Organisations hosted on a node.", no_args_is_help=True)


@app.callback()
def organisation() -> None:
    """Organisations hosted on a node."""


@app.command()
def host(
    did: Annotated[str, typer.Argument(help="DID of an organisation that governance admitted.")],
    name: Annotated[str, typer.Option(help="What the node calls it.")],
    output: OutputOption = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Host a further organisation, as the node's operator; hands out its first key, an admin's."""
    require_free(output)
    with connected(node, key, profile) as client:
        enrolled = client.post("/v1/participants", {"did": did, "name": name})
    if output is not None:
        console.print(f"{enrolled['organisationId']} is hosted here")
    hand_out(enrolled["apiKey"], output)
