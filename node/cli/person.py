"""`ptx-ledger person`: who may sign in for the organisation."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.key import AreaOption, RoleOption, show_areas
from node.cli.output import AsJson, console, print_json
from node.cli.secret_output import OutputOption, hand_out, require_free

app = typer.Typer(help="People of the organisation.", no_args_is_help=True)

PersonId = Annotated[str, typer.Argument(help="The id that `person list` shows, 0x-hex.")]


@app.command(name="list")
def list_people(
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """People and open invitations."""
    with connected(node, key, profile) as client:
        answer = client.get("/v1/people")
    if as_json:
        print_json(answer)
        return
    table = Table("person", "label", "role", "areas", "state", "address")
    for item in answer["items"]:
        table.add_row(
            item["personId"],
            escape(item["label"]),
            item["role"],
            show_areas(item["areas"]),
            item["state"],
            item["address"] or "",
        )
    console.print(table)


@app.command()
def invite(
    label: Annotated[str, typer.Argument(help="What the organisation calls the person.")],
    role: RoleOption = "operator",
    area: AreaOption = None,
    output: OutputOption = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Invite somebody, who joins with a wallet or a passkey within 7 days."""
    require_free(output)
    with connected(node, key, profile) as client:
        invited = client.post("/v1/people", {"label": label, "role": role, "areas": area or None})
    hand_out(invited["link"], output)


@app.command(name="role")
def give_role(
    person_id: PersonId,
    role: Annotated[str, typer.Argument(help="admin, operator or auditor.")],
    area: AreaOption = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Give a person another role, from the next request on."""
    with connected(node, key, profile) as client:
        client.put(f"/v1/people/{person_id}/role", {"role": role, "areas": area or None})
    console.print(f"{person_id} is {role} for {show_areas(area or None)}")


@app.command()
def remove(
    person_id: PersonId,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Forget a person; sessions end at once."""
    with connected(node, key, profile) as client:
        client.delete(f"/v1/people/{person_id}")
    console.print(f"{person_id} is removed")
