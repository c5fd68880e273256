"""Ends whoever waits too long for a body. One timer for all: a timer for each request would cost
more than most answers do.
"""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from node.api.problem_documents import RequestTooSlow

LOOKS = 10
"""So often within the longest wait; a wait is longer by at most one part."""


class BodyTimer:
    """Of one event loop."""

    def __init__(self, seconds_max: float) -> None:
        self._pause = seconds_max / LOOKS
        self._waiting: dict[asyncio.Task[object], float] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._is_looking = False

    async def receive(self, receive: Receive, deadline: float) -> Message:
        """The next message, if it comes before a time of the loop's clock; raises
        RequestTooSlow."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting[task] = deadline
        if not self._is_looking:
            self._look()
        try:
            return await receive()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise  # somebody else does not want it any more
            task.uncancel()
            raise RequestTooSlow from None
        finally:
            del self._waiting[task]
            self._ended.discard(task)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, deadline in self._waiting.items():
            if deadline <= now and task not in self._ended:
                self._ended.add(task)
                task.cancel()
        self._is_looking = bool(self._waiting)
        if self._is_looking:
            loop.call_later(self._pause, self._look)
