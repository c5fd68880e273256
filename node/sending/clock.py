"""Time as the sender sees it: its own, so that a simulation can turn it."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks and a pause."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def now(self) -> float:
        """Unix seconds."""

    def pause(self, stop: threading.Event, seconds: float) -> None:
        """Waits, or until told to stop."""


class SystemClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def pause(self, stop: threading.Event, seconds: float) -> None:
        """Waits, or until told to stop."""
        stop.wait(seconds)
