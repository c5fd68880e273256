"""Which node a command speaks to, and as whom: options, a profile file, or what runs here."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from node.cli.output import fail
from node.client import NodeClient, NodeRefused, NodeUnreachable, read_api_key, running_node_url
from node.config import Settings

PROFILE_FILE = Path("~/.config/ptx-ledger/profiles.toml")

NodeOption = Annotated[
    str | None, typer.Option("--node", help="Address of the node; the one running here if omitted.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="PTX_API_KEY",
        help="File that holds the API key; the variable may hold the key itself.",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help=f"A table of {PROFILE_FILE} with `node` and `key_file`."),
]


@contextmanager
def connected(
    node: str | None, key: str | None, profile: str | None = None
) -> Iterator[NodeClient]:
    """A client for the block; what the node refuses ends the command with its words."""
    try:
        yield connect(node, key, profile)
    except (NodeRefused, NodeUnreachable, TimeoutError) as error:
        fail(str(error))


def connect(node: str | None, key: str | None, profile: str | None = None) -> NodeClient:
    """The client; ends the command if no node is known."""
    settings = Settings()
    chosen = _read_profile(profile) if profile else {}
    url = node or chosen.get("node") or running_node_url(settings)
    if url is None:
        fail("No node is running here: start one with `make run`, or name one with --node.")
    if key is None and "key_file" in chosen:
        key = read_api_key(Path(chosen["key_file"]).expanduser())
    elif key is None:
        key = read_api_key(settings.api_key_file)
    elif Path(key).is_file():
        key = read_api_key(Path(key))
    elif any(key in word for word in sys.argv[1:]):
        fail(
            "Everybody on this machine sees a key that stands on the command line: "
            "set PTX_API_KEY, or name a file that holds it."
        )
    return NodeClient(url, key)


def _read_profile(name: str) -> dict[str, str]:
    path = PROFILE_FILE.expanduser()
    if not path.exists():
        fail(f"{path} does not exist: write a table [{name}] with `node` and `key_file` into it.")
    profiles = tomllib.loads(path.read_text())
    if name not in profiles:
        fail(f"{path} has no table [{name}]; it has {', '.join(profiles) or 'none'}.")
    found: dict[str, str] = profiles[name]
    return found
