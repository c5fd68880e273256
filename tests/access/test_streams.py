"""A stream of events does not outlive the right to read it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from node.client import NodeClient
from tests.access.callers import make_key
from tests.access.signing import new_account, session_of
from tests.stage import DEADLINE_SECONDS, World

Taken = tuple[NodeClient, Callable[[], object]]


def revoked(world: World) -> Taken:
    made = make_key(world.provider.client, "auditor")
    path = f"/v1/api-keys/{made['keyId']}"
    return NodeClient(world.node.url, made["apiKey"]), lambda: world.provider.client.delete(path)


def rotated(world: World) -> Taken:
    made = make_key(world.provider.client, "auditor")
    path, body = f"/v1/api-keys/{made['keyId']}/rotate", {"overlapSeconds": 0}
    client = NodeClient(world.node.url, made["apiKey"])
    return client, lambda: world.provider.client.post(path, body)


def removed(world: World) -> Taken:
    invited = world.provider.client.post("/v1/people", {"label": "reader", "role": "auditor"})
    _, client = session_of(world, new_account(), invitation=invited["invitation"])
    return client, lambda: world.provider.client.delete(f"/v1/people/{invited['personId']}")


def limited(world: World) -> Taken:
    invited = world.provider.client.post("/v1/people", {"label": "reader", "role": "auditor"})
    _, client = session_of(world, new_account(), invitation=invited["invitation"])
    path, body = f"/v1/people/{invited['personId']}/role", {"role": "auditor", "areas": ["usage"]}
    return client, lambda: world.provider.client.put(path, body)


def test_a_stream_ends_with_the_right_to_read_it(world: World) -> None:
    """All at the same time, since a stream without events looks up every few seconds."""
    headers = {"Accept": "text/event-stream"}
    deadline = time.monotonic() + DEADLINE_SECONDS
    with ExitStack() as opened:
        streams = []
        for taken in (revoked, rotated, removed, limited):
            client, take_away = taken(world)
            answer = client._http.stream("GET", "/v1/events", headers=headers)
            lines = opened.enter_context(answer).iter_lines()
            assert "following" in next(lines)
            streams.append((taken.__name__, lines, take_away))
        for _, _, take_away in streams:
            take_away()
        for name, lines, _ in streams:
            for _ in lines:
                assert time.monotonic() < deadline, f"{name}: the stream goes on"
