"""A clock that a test turns, and a sender that lives by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from indexer.rpc import ChainError
from node.sending.sender import Progress, Sender
from node.signers import SignerUnreachable

STEPS_MAX = 60


class TurningClock:
    """Stands still until it is turned; a pause turns it."""

    def __init__(self) -> None:
        self._begun = time.time()
        self.turned = 0.0

    def monotonic(self) -> float:
        return self.turned

    def now(self) -> float:
        return self._begun + self.turned

    def pause(self, stop: threading.Event, seconds: float) -> None:
        self.turned += seconds

    def turn(self, seconds: float) -> None:
        self.turned += seconds


def settle(
    sender: Sender,
    clock: TurningClock,
    each: Callable[[], Any] = lambda: None,
    is_done: Callable[[], bool] = lambda: True,
) -> None:
    """Steps until idle, second after second, as `run` does: failures of the chain are overcome.
    `is_done`: nothing waits for a later time any more."""
    for _ in range(STEPS_MAX):
        try:
            progress = sender.step()
        except (ChainError, SignerUnreachable):
            progress = Progress.MOVED
        if progress is Progress.IDLE and is_done():
            return
        each()
        clock.turn(1.0)
    raise AssertionError("the sender finds no end")
