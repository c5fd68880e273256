"""Keeps figures for a while, so that a page that everybody may open costs the database little."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from node.api.governance.figures import Asked, Figures

KEPT_MAX = 16
KEPT_PER_SECOND_OF_READING = 10
"""Reading takes no more than about a tenth of the time of one connection, however much there is to
read and whoever asks. The figures name their block, so those that are kept tell no untruth."""


class FiguresMemory:
    """What was read last; one reading at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading = asyncio.Lock()
        self._kept: OrderedDict[Asked, tuple[float, Figures]] = OrderedDict()

    async def get(self, asked: Asked, read: Callable[[], Awaitable[Figures]]) -> Figures:
        """The figures that are kept, else those that `read` gives."""
        async with self._reading:
            begun = self._clock()
            until, figures = self._kept.pop(asked, (begun, None))
            if figures is None or until <= begun:
                figures = await read()
                ended = self._clock()
                until = ended + KEPT_PER_SECOND_OF_READING * (ended - begun)
            self._kept[asked] = until, figures
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
            return figures
