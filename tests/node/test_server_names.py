"""Whoever is called proves the name that was called, also at the address of somebody else."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from node.did_documents import DidDocuments
from node.outgoing import POOL_IDLE_SECONDS, NoAnswer, call, open_client
from node.record_delivery import RecordDelivery
from node.webhook_delivery import Delivery, DeliverySettings
from tests.certificates import make_certificate
from tests.webhook_receiver import Receiver, open_receiver

NEIGHBOUR, SCHOOL = "neighbour.test", "school.test"
ABSENT: Any = None
"""Stands for parts that only hold a client need not have."""


@pytest.fixture
def neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A server that proves one name; this machine's address is that of every name."""
    trusted, tls = make_certificate(NEIGHBOUR, tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(trusted))

    def found(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with open_receiver(tls) as receiver:
        yield receiver


def at(receiver: Receiver, name: str) -> str:
    return receiver.url.replace("127.0.0.1", name)


def of_records() -> httpx.AsyncClient:
    return RecordDelivery(ABSENT, ABSENT, b"", ABSENT, ABSENT, True)._http


def of_documents() -> httpx.AsyncClient:
    return DidDocuments(ABSENT, True)._http


def of_webhooks() -> httpx.AsyncClient:
    return Delivery(ABSENT, ABSENT, b"", DeliverySettings(3, True, 5))._http


@pytest.mark.parametrize("client_of", [of_records, of_documents, of_webhooks, open_client])
async def test_a_connection_to_one_name_is_used_for_no_other(
    neighbour: Receiver, client_of: Callable[[], httpx.AsyncClient]
) -> None:
    async with client_of() as client:
        for expected in (1, 2):
            answer = await call(client, "POST", at(neighbour, NEIGHBOUR), True, 10, b"body")
            assert answer.status == 204
            with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
                await call(client, "POST", at(neighbour, SCHOOL), True, 10, b"body")
            assert len(neighbour.requests) == expected
        assert neighbour.connections == 1  # the one to its own name is used again


async def test_connections_to_names_that_nobody_calls_any_more_end(
    neighbour: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Mock(monotonic=Mock(return_value=0.0))
    monkeypatch.setattr("node.outgoing.time", clock)  # alone: the pools have a clock of their own
    with open_receiver() as other:
        async with open_client() as client:
            for now, connections in ((0, 1), (POOL_IDLE_SECONDS, 1), (3 * POOL_IDLE_SECONDS, 2)):
                clock.monotonic.return_value = now
                await call(client, "POST", other.url, True, 10, b"body")
                await call(client, "POST", at(neighbour, NEIGHBOUR), True, 10, b"body")
                assert neighbour.connections == connections
