"""A name server that never answers keeps nobody waiting but who asked for its name."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from node import target_checks
from node.outgoing import TargetRefused
from node.target_checks import ASKED_AT_ONCE_MAX, TargetChecks
from tests.stage import World
from tests.watch.own_door import open_door

SILENT = "https://silent.example/hook"
SCHOOL, NEIGHBOUR = b"\x01" * 20, b"\x02" * 20
REGISTRATIONS = 30
"""More than the database has connections for."""
SILENT_NAMES = """
import socket, threading
found = socket.getaddrinfo
def asked(host, *rest, **more):
    if host == "silent.example":
        threading.Event().wait(12)
    return found(host, *rest, **more)
socket.getaddrinfo = asked
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names that were looked up; that of SILENT is not found before the test ends."""
    names: list[str] = []
    over = threading.Event()

    def found(host: str, *_: Any, **__: Any) -> list[Any]:
        names.append(host)
        if host in SILENT:
            over.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield names
    over.set()


async def test_few_names_of_an_organisation_are_asked_for_at_once(
    monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """Also when nobody waits for them any more, since they still hold a thread."""
    monkeypatch.setattr(target_checks, "ANSWER_SECONDS_MAX", 0.2)
    checks = TargetChecks(private_addresses=False)
    for _ in range(2):
        waiting = [checks.require(SCHOOL, SILENT) for _ in range(10)]
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(each) for each in told} == {TargetRefused}
        assert asked == ["silent.example"] * ASKED_AT_ONCE_MAX
    await checks.require(NEIGHBOUR, "https://school.example/hook")


async def test_a_place_is_free_again_when_the_name_is_found(asked: list[str]) -> None:
    checks = TargetChecks(private_addresses=False)
    for _ in range(2 * ASKED_AT_ONCE_MAX):
        await checks.require(SCHOOL, "https://school.example/hook")
        with pytest.raises(TargetRefused, match="https"):
            await checks.require(SCHOOL, "http://school.example/hook")
    assert len(asked) == 4 * ASKED_AT_ONCE_MAX


@pytest.mark.deep
def test_names_that_are_not_found_keep_no_connection_of_the_database(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SILENT_NAMES)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    key = {"Authorization": world.provider.client._http.headers["authorization"]}
    with (
        open_door(world, tmp_path / "api.log") as door,
        httpx.Client(headers=key, timeout=30) as http,
        ThreadPoolExecutor(REGISTRATIONS) as people,
    ):
        url, body = f"{door.url}/v1/webhooks", {"url": SILENT}

        def register() -> httpx.Response:
            return http.post(url, json=body)

        waiting = [people.submit(register) for _ in range(REGISTRATIONS)]
        while not any(each.done() for each in waiting):
            answer = http.get(url, timeout=4)
            assert answer.status_code == 200, "others are answered while the names are asked for"
        for each in waiting:
            refusal = each.result().json()
            assert refusal["type"] == "/problems/webhook-url-refused"
            assert "within 5 s" in refusal["detail"]
