"""A door of the session's node under the name `localhost`: browsers make no passkey for an address
in numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from node.embedded.supervisor import free_port
from tests.stage import World, wait_until


@contextmanager
def open_door(world: World) -> Iterator[str]:
    """Another process of the API on the same database; its address, which it calls its own."""
    settings, port = world.node.settings, free_port("127.0.0.1", 0)
    address = f"http://localhost:{port}"
    environment = {
        **os.environ,
        "PTX_STATE_DIR": str(settings.state_dir),
        "DATABASE_URL": str(settings.database_url),
        "CHAIN_URL": str(settings.chain_url),
        "PTX_DEPLOYMENT_PATH": str(settings.deployment_path),
        "PTX_PORT": str(port),
        "PTX_PUBLIC_URL": address,
    }
    command = [sys.executable, "-m", "node.cli", "serve", "api"]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until(lambda: _answers(address), "the door")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False
