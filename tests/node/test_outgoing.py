"""Where a webhook may go, and where a clever name may not lead it."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from node.outgoing import TargetRefused, resolve_target


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def found(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


async def test_the_connection_goes_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving_to(monkeypatch, "93.184.216.34")
    target = await resolve_target("https://school.example:8443/hook?a=b", False)
    assert str(target.url) == "https://93.184.216.34:8443/hook?a=b"
    assert target.host_header == "school.example:8443"
    assert target.server_name == "school.example"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "2002:0a00:0001::1",
    ],
)
async def test_no_private_address_is_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolving_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(TargetRefused, match="not public"):
        await resolve_target("https://school.example/", False)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",
        "ftp://93.184.216.34/",
        "https://user:word@93.184.216.34/",
        "https:///hook",
        "/hook",
        "",
        "https://[",
        "file:///etc/passwd",
        "http://10.0.0.1/",
    ],
)
@pytest.mark.parametrize("private_addresses", [False, True])
async def test_no_other_url_is_called(url: str, private_addresses: bool) -> None:
    with pytest.raises(TargetRefused):
        await resolve_target(url, private_addresses)


async def test_a_name_without_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetRefused, match="no address"):
        await resolve_target("https://nowhere.invalid/", True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8/", "https://10.0.0.1/", "http://[::1]:8/"])
async def test_an_operator_may_allow_the_own_network(url: str) -> None:
    assert str((await resolve_target(url, True)).url) == url
