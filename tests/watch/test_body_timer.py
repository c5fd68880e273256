"""Who waits too long for a body is ended, and nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from starlette.types import Message

from node.api.body_timer import BodyTimer
from node.api.problem_documents import RequestTooSlow

SECONDS_MAX = 0.05
MESSAGE: Message = {"type": "http.request", "body": b"whole"}


async def at_once() -> Message:
    return MESSAGE


async def never() -> Message:
    body: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await body


def receive(timer: BodyTimer, body: Awaitable[Message], seconds: float) -> asyncio.Task[Message]:
    async def wait() -> Message:
        deadline = asyncio.get_running_loop().time() + seconds
        return await timer.receive(lambda: body, deadline)

    return asyncio.create_task(wait())


async def test_what_comes_is_given_and_what_does_not_come_ends_the_wait() -> None:
    timer = BodyTimer(SECONDS_MAX)
    for _ in range(2):  # the timer rests in between, and begins again
        late = receive(timer, never(), SECONDS_MAX)
        assert await receive(timer, at_once(), SECONDS_MAX) == MESSAGE
        with pytest.raises(RequestTooSlow):
            await late
        assert late.cancelling() == 0


async def test_who_has_more_time_goes_on_waiting() -> None:
    timer = BodyTimer(SECONDS_MAX)
    body: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    patient = receive(timer, body, 60.0)
    with pytest.raises(RequestTooSlow):
        await receive(timer, never(), SECONDS_MAX)
    body.set_result(MESSAGE)
    assert await patient == MESSAGE


async def test_a_wait_that_another_ends_is_not_taken_for_a_slow_one() -> None:
    timer = BodyTimer(SECONDS_MAX)
    left = receive(timer, never(), 60.0)
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
