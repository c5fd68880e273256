"""How many learners' exports one process makes at a time: each holds a piece of it in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from node.problems import Problem

EXPORTS_MAX = 50
EXPORTS_OF_NETWORK_MAX = 5
"""So that nobody keeps all others from theirs by reading slowly."""


class ExportPlaces:
    """For everybody, and for one network; of what costs most, the drawing of a PDF, one at all."""

    def __init__(self) -> None:
        self._of_network: Counter[str] = Counter()
        self.drawing = asyncio.Semaphore(1)

    @contextmanager
    def taken(self, network: str) -> Iterator[None]:
        """A place, for as long as the block; a 429 problem if there is none."""
        if self._of_network[network] >= EXPORTS_OF_NETWORK_MAX:
            detail = f"{EXPORTS_OF_NETWORK_MAX} are being made for your network."
            raise Problem.of("too-many-exports", detail)
        if self._of_network.total() >= EXPORTS_MAX:
            raise Problem.of("too-many-exports", f"{EXPORTS_MAX} are being made on this node.")
        self._of_network[network] += 1
        try:
            yield
        finally:
            self._of_network[network] -= 1
            if not self._of_network[network]:
                del self._of_network[network]
