"""Asking a node that may fail for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from indexer.reading import ChainMoved
from indexer.rpc import ChainError

ATTEMPTS_MAX = 5
PAUSE_SECONDS = 1.0

Answer = TypeVar("Answer")


def ask_patiently(ask: Callable[[], Answer], attempts: int = ATTEMPTS_MAX) -> Answer:
    """The first answer that is one. Raises the last ChainError or ChainMoved."""
    for _ in range(attempts - 1):
        try:
            return ask()
        except (ChainError, ChainMoved):
            time.sleep(PAUSE_SECONDS)
    return ask()
