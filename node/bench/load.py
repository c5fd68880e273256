"""A small load generator: keep-alive connections that send prepared requests and check answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit


class LoadFailed(Exception):
    """An answer under load was not the expected one."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Requests a second, and how long they took."""

    rate: float
    p50_milliseconds: float
    p99_milliseconds: float


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
    url: str,
    requests: Sequence[bytes],
    check: Callable[[bytes], bool],
    connections: int,
    seconds: float,
) -> LoadResult:
    """Sends the requests in turn over some connections for some seconds; checks every answer."""
    durations = asyncio.run(_run(url, requests, check, connections, seconds))
    durations.sort()
    return LoadResult(
        rate=len(durations) / seconds,
        p50_milliseconds=1_000 * durations[len(durations) // 2],
        p99_milliseconds=1_000 * durations[int(len(durations) * 0.99)],
    )


async def _run(
    url: str,
    requests: Sequence[bytes],
    check: Callable[[bytes], bool],
    connections: int,
    seconds: float,
) -> list[float]:
    deadline = time.perf_counter() + seconds
    source = cycle(requests)
    durations: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        while (started := time.perf_counter()) < deadline:
            writer.write(next(source))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            if b" 200 " not in head.split(b"\r\n")[0] or not check(answer):
                raise LoadFailed(f"{head.decode()} {answer[:300].decode(errors='replace')}")
            durations.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return durations
