"""`ptx-ledger key`: keys for an organisation's machines.

A new key is printed once, or written into a private file; no command takes one as an argument that
it prints again, and none shows in a list of processes.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from node.cli.connection import KeyOption, NodeOption, ProfileOption, connected
from node.cli.output import AsJson, console, print_json, show_time
from node.cli.secret_output import OutputOption, hand_out, require_free

app = typer.Typer(help="API keys of the organisation.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="The id that `key list` shows, 0x-hex.")]
RoleOption = Annotated[str, typer.Option("--role", help="admin, operator or auditor.")]
AreaOption = Annotated[
    list[str] | None,
    typer.Option("--area", help="Where the role counts; repeat for more, none is everywhere."),
]
DaysOption = Annotated[
    int | None, typer.Option("--days", min=1, max=36_500, help="How long it lives; else no end.")
]
DAY_SECONDS = 86_400


@app.command(name="list")
def list_keys(
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
    as_json: AsJson = False,
) -> None:
    """The keys that are in force, without themselves."""
    with connected(node, key, profile) as client:
        answer = client.get("/v1/api-keys")
    if as_json:
        print_json(answer)
        return
    table = Table("key", "label", "role", "areas", "ends", "last used")
    for item in answer["items"]:
        ends = [each for each in (item["expiresAt"], item["retiresAt"]) if each is not None]
        table.add_row(
            item["keyId"],
            escape(item["label"]),
            item["role"],
            show_areas(item["areas"]),
            show_time(min(ends)) if ends else "",
            item["lastUsedOn"] or "never",
        )
    console.print(table)


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="What the key is for.")],
    role: RoleOption = "operator",
    area: AreaOption = None,
    days: DaysOption = None,
    output: OutputOption = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Make a key. It has no more rights than the key that asks."""
    require_free(output)
    body: dict[str, Any] = {"label": label, "role": role, "areas": area or None}
    if days is not None:
        body["expiresAt"] = int(time.time()) + days * DAY_SECONDS
    with connected(node, key, profile) as client:
        made = client.post("/v1/api-keys", body)
    hand_out(made["apiKey"], output)


@app.command()
def rotate(
    key_id: KeyId,
    overlap_seconds: Annotated[
        int, typer.Option(min=0, help="How long the old key works beside the new one.")
    ] = DAY_SECONDS,
    days: DaysOption = None,
    output: OutputOption = None,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Make a key in place of another, which ends after the overlap."""
    require_free(output)
    body: dict[str, Any] = {"overlapSeconds": overlap_seconds}
    if days is not None:
        body["expiresAt"] = int(time.time()) + days * DAY_SECONDS
    with connected(node, key, profile) as client:
        made = client.post(f"/v1/api-keys/{key_id}/rotate", body)
    hand_out(made["apiKey"], output)


@app.command()
def revoke(
    key_id: KeyId,
    node: NodeOption = None,
    key: KeyOption = None,
    profile: ProfileOption = None,
) -> None:
    """Take a key away at once."""
    with connected(node, key, profile) as client:
        client.delete(f"/v1/api-keys/{key_id}")
    console.print(f"{key_id} is revoked")


def show_areas(areas: list[str] | None) -> str:
    """`all`, or their names."""
    return "all" if areas is None else ", ".join(areas)
