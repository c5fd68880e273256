"""A small load generator: keep-alive connections that send prepared requests and check answers.

Its own cost counts, for it runs on the cores of what it measures: a protocol on the transport, no
stream between.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadFailed(Exception):
    """An answer under load was not the expected one."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request as bytes, and the texts that its answer must contain, in this order."""

    request: bytes
    expected: tuple[bytes, ...] = ()
    status: bytes = b"200"

    def is_answered(self, answer: bytes) -> bool:
        """Whether it has this status and these texts."""
        place = 0 if answer[9:12] == self.status else -1
        for text in self.expected:
            if place >= 0:
                place = answer.find(text, place)
        return place >= 0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Requests a second, and how long they took."""

    rate: float
    p50_milliseconds: float
    p99_milliseconds: float
    slowest_milliseconds: float


def prepare_request(url: str, method: str, path: str, body: bytes, key: str | None) -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def run_load(
    url: str, questions: Sequence[Question], connections: int, seconds: float
) -> LoadResult:
    """Sends the requests in turn over some connections for some seconds; checks every answer.

    Raises LoadFailed.
    """
    durations = asyncio.run(_run(url, cycle(questions), connections, seconds))
    return _result(durations, seconds)


def run_through(url: str, questions: Sequence[Question], connections: int) -> LoadResult:
    """Sends each request once over some connections; checks every answer. Raises LoadFailed."""
    started = time.perf_counter()
    durations = asyncio.run(_run(url, iter(questions), connections, math.inf))
    return _result(durations, time.perf_counter() - started)


def _result(durations: list[float], seconds: float) -> LoadResult:
    durations.sort()
    return LoadResult(
        rate=len(durations) / seconds,
        p50_milliseconds=1_000 * durations[len(durations) // 2],
        p99_milliseconds=1_000 * durations[int(len(durations) * 0.99)],
        slowest_milliseconds=1_000 * durations[-1],
    )


async def _run(
    url: str, source: Iterator[Question], connections: int, seconds: float
) -> list[float]:
    loop = asyncio.get_running_loop()
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    durations: list[float] = []
    deadline = time.perf_counter() + seconds
    ends = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: _Caller(source, deadline, durations), address.hostname, address.port
        )
        ends.append(caller.end)
    await asyncio.gather(*ends)
    return durations


class _Caller(asyncio.Protocol):
    """One connection: the next request follows each answer, until the deadline."""

    def __init__(self, source: Iterator[Question], deadline: float, durations: list[float]) -> None:
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._source = source
        self._deadline = deadline
        self._durations = durations
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._came += data
        body = self._came.find(END_OF_HEAD) + len(END_OF_HEAD)
        length = LENGTH.search(self._came, 0, body)
        if body < len(END_OF_HEAD) or length is None or len(self._came) < body + int(length[1]):
            return
        answer, self._came = self._came, b""
        if not self._asked.is_answered(answer):
            said = answer[:600].decode(errors="replace")
            self._stop(LoadFailed(f"{self._asked.expected[:1]} is not in {said}"))
            return
        now = time.perf_counter()
        self._durations.append(now - self._started)
        if now < self._deadline:
            self._ask()
        else:
            self._stop(None)

    def connection_lost(self, reason: Exception | None) -> None:
        self._stop(reason or LoadFailed("the connection was closed"))

    def _ask(self) -> None:
        asked = next(self._source, None)
        if asked is None:
            self._stop(None)
            return
        self._asked = asked
        self._started = time.perf_counter()
        self._transport.write(self._asked.request)

    def _stop(self, failure: Exception | None) -> None:
        if not self.end.done():
            if failure is None:
                self.end.set_result(None)
            else:
                self.end.set_exception(failure)
            self._transport.close()
