"""How long a node that was stopped, or killed, is away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from node.bench.figures import Figure, measured
from node.config import Settings
from node.embedded.supervisor import Supervisor

SECTION = "restarts"


def measure_restarts(settings: Settings) -> Iterator[Figure]:
    """On the state directory of a node that does not run now."""
    started = time.perf_counter()
    with Supervisor(settings, _say_nothing).started() as running:
        yield measured(SECTION, "a later start, until ready", _since(started), "s", "≤ 10 s")
        for process in running.processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    started = time.perf_counter()
    with Supervisor(settings, _say_nothing).started():
        name = "a start after kill -9 of every process"
        yield measured(SECTION, name, _since(started), "s", "≤ 10 s")


def _since(started: float) -> float:
    return time.perf_counter() - started


def _say_nothing(line: str) -> None:
    """The figures are what is printed."""
