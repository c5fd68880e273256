"""An API process of a test's own, on the session's node, with other limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from node.config import PROJECT_ROOT
from node.embedded.supervisor import free_port
from tests.stage import Json, World, wait_until

OPEN_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Door:
    """Where it answers, and what it writes."""

    url: str
    log: Path

    def lines(self) -> list[Json]:
        """What it has logged so far, without a line that is being written."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def said_of(self, request_id: str) -> list[Json]:
        return [line for line in self.lines() if line.get("request_id") == request_id]


@contextmanager
def open_door(world: World, log: Path, **settings: Any) -> Iterator[Door]:
    """Ends with the block."""
    port = free_port("127.0.0.1", 0)
    chosen = world.node.settings.model_copy(update={"port": port, **settings})
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "node.serve", "api"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **chosen.as_environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    door = Door(f"http://127.0.0.1:{port}", log)

    def is_open() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(f"{door.url}/healthz").status_code == 200
        return False

    try:
        wait_until(is_open, "the door", OPEN_SECONDS)
        yield door
    finally:
        process.terminate()
        process.wait()
