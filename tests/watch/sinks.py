"""Where what must stay secret could be written, and the search for it: a node's files, metrics,
command lines and database, and what receivers of webhooks get."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import psutil

from node.backup.postgres_tools import environment_of
from node.client import NodeClient
from node.embedded.postgres import BINARIES
from node.keys import OPERATOR_KEY, load_or_create_account
from node.secret_files import MASTER_KEY_FILE, PASSPHRASE_FILE
from tests.stage import Node
from tests.webhook_receiver import Receiver


def keys_of(node: Node) -> dict[str, bytes]:
    """A node's own keys, as they would be written."""
    keys = node.settings.keys_dir
    account = load_or_create_account(keys, OPERATOR_KEY)
    found = {
        "the master key": (keys / MASTER_KEY_FILE).read_text().strip(),
        "the passphrase": (keys / PASSPHRASE_FILE).read_text().strip(),
        "the operator's signer key": bytes(account.key).hex(),
        "the operator's API key": node.settings.api_key_file.read_text().strip(),
    }
    return {name: value.encode() for name, value in found.items()}


def api_key_of(client: NodeClient) -> bytes:
    key: str = client._http.headers["authorization"].removeprefix("Bearer ")
    return key.encode()


def both_forms(values: dict[str, bytes]) -> dict[str, bytes]:
    """Hexadecimal digits as bytes, too."""
    raw = {}
    for name, value in values.items():
        try:
            raw[f"{name} as bytes"] = bytes.fromhex(value.decode().removeprefix("0x"))
        except ValueError:
            continue
    return {**values, **raw}


def sinks(node: Node) -> dict[str, bytes]:
    """Everything that a node writes outside its keys, and what others see of it."""
    settings, state = node.settings, node.settings.state_dir
    found = {"/metrics": node.metrics().encode()}
    files = {f"the log {path.name}": path for path in settings.log_dir.iterdir()}
    private = {settings.api_key_file, settings.keys_dir, state / "postgres", state / "chain.json"}
    for path in state.rglob("*"):
        if path.is_file() and not private & {path, *path.parents}:
            files[f"the file {path.relative_to(state)}"] = path
    for entry in node.running.processes:
        leader = psutil.Process(entry.pid)
        for process in (leader, *leader.children(recursive=True)):
            command = Path(f"/proc/{process.pid}/cmdline")
            files[f"the command line of {entry.name}, {process.pid}"] = command
    for name, path in files.items():
        # A database's backends and temporary files come and go between the look and the reading.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[name] = path.read_bytes()
    return found


def dump_of(node: Node) -> bytes:
    """What whoever steals the database has."""
    done = subprocess.run(
        [str(BINARIES / "pg_dump"), "--schema=node"],
        env=environment_of(node.running.database_url),
        capture_output=True,
        check=True,
    )
    return done.stdout


def received(receiver: Receiver) -> bytes:
    """What a webhook's receiver got: all headers and bodies."""
    parts = [b"\n".join([repr(headers).encode(), body]) for headers, body in receiver.requests]
    return b"\n".join(parts)


def leaks(values: dict[str, bytes], places: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, value in values.items()
        if value in content or value.upper() in content
    ]
