"""Where the node's own requests may go, and where a clever name may not lead them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from indexer.queries.participants import ParticipantRow
from node.did_documents import DidDocuments, DidDocumentUnknown
from node.outgoing import (
    NoAnswer,
    Target,
    TargetRefused,
    call,
    open_client,
    pause_seconds,
    resolve_target,
)
from protocol.did_document import did_document_hash, make_did_document
from protocol.identifiers import organisation_id
from protocol.types import Role
from tests.node.addresses import PRIVATE, PUBLIC, URLS
from tests.webhook_receiver import Receiver, open_receiver


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def found(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    opened = open_client()
    yield opened
    await opened.aclose()


async def test_the_connection_goes_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving_to(monkeypatch, "93.184.216.34")
    target = await resolve_target("https://school.example:8443/hook?a=b", False)
    assert str(target.url) == "https://93.184.216.34:8443/hook?a=b"
    assert target.host_header == "school.example:8443"
    assert target.server_name == "school.example"


@pytest.mark.parametrize("address", PRIVATE)
async def test_no_private_address_is_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    assert len(PRIVATE) >= 40
    resolving_to(monkeypatch, "93.184.216.34", address)
    with pytest.raises(TargetRefused, match="not public") as refused:
        await resolve_target("https://school.example/", False)
    assert address not in str(refused.value), "whoever asks learns no address of this network"


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolving_to(monkeypatch, address)
    assert (await resolve_target("https://school.example/", False)).server_name == "school.example"


@pytest.mark.parametrize("url", URLS)
async def test_no_form_of_an_address_leads_where_it_must_not(url: str) -> None:
    assert len(URLS) >= 40
    with pytest.raises(TargetRefused):
        await resolve_target(url, False)


@pytest.mark.parametrize(
    "url",
    [
        *("http://93.184.216.34/", "ftp://93.184.216.34/", "https://user:word@93.184.216.34/"),
        *("https:///hook", "/hook", "", "https://[", "file:///etc/passwd", "http://10.0.0.1/"),
    ],
)
async def test_no_other_url_is_called_even_in_the_own_network(url: str) -> None:
    with pytest.raises(TargetRefused):
        await resolve_target(url, True)


async def test_a_name_without_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetRefused, match="no address"):
        await resolve_target("https://nowhere.invalid/", True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8/", "https://10.0.0.1/", "http://[::1]:8/"])
async def test_an_operator_may_allow_the_own_network(url: str) -> None:
    assert str((await resolve_target(url, True)).url) == url


# -- what asks others for something: all of it by the same way -------------------------------------


async def test_a_name_that_changes_its_mind_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, client: httpx.AsyncClient
) -> None:
    """Judged as public, then as this machine (DNS rebinding): the connection goes to the first."""
    asked: list[str] = []
    answers = iter(["198.41.0.4", "127.0.0.1"])

    def found(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    connected: list[Target] = []

    class Recording(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            connected.append(
                Target(request.url, request.headers["host"], request.extensions["sni_hostname"])
            )
            return httpx.Response(204)

    recording = httpx.AsyncClient(transport=Recording())
    answer = await call(recording, "POST", "https://rebinding.example/hook", False, 10, b"body")
    assert answer.status == 204
    assert asked == ["rebinding.example"]
    assert [str(each.url) for each in connected] == ["https://198.41.0.4/hook"]
    assert connected[0].host_header == connected[0].server_name == "rebinding.example"
    assert receiver.requests == []


async def test_a_redirect_is_an_answer_and_leads_nowhere(
    receiver: Receiver, client: httpx.AsyncClient
) -> None:
    with open_receiver() as inner:
        receiver.answer = lambda count: 302
        receiver.location = inner.url
        answer = await call(client, "POST", receiver.url, True, 10, b"body")
        assert answer.status == 302
        assert len(receiver.requests) == 1
        assert inner.requests == []


async def test_a_long_answer_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NoAnswer, match="more than 100000 bytes"):
        await call(client, "GET", f"http://127.0.0.1:{port}/", True, 100_000)
    server.close()


async def test_who_does_not_answer_is_not_waited_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.outgoing.REQUEST_SECONDS_MAX", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NoAnswer, match="No answer within"):
        await call(client, "GET", f"http://127.0.0.1:{port}/", True, 10)
    server.close()


DID = "did:web:school.example"
KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
DOCUMENT = make_did_document(DID, [KEY])


class NothingServedHere(DidDocuments):
    """Looks elsewhere alone."""

    def __init__(self, private_addresses: bool) -> None:
        super().__init__(None, private_addresses)  # type: ignore[arg-type]  # never asked

    async def find_elsewhere(self, address: str) -> Any:
        participant = ParticipantRow(
            organisation_id(DID),
            DID,
            Role.PROVIDER,
            0,
            0,
            False,
            address,
            did_document_hash(DOCUMENT),
            (),
            (),
            None,
        )
        return await self._look_elsewhere(participant, did_document_hash(DOCUMENT))


@pytest.mark.parametrize("url", URLS)
async def test_no_document_is_fetched_from_there(url: str) -> None:
    documents = NothingServedHere(private_addresses=False)
    with pytest.raises(DidDocumentUnknown):
        await documents.find_elsewhere(url)
    await documents.close()


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        (json.dumps(DOCUMENT), True),
        (json.dumps(dict(reversed(DOCUMENT.items())), indent=4), True),
        (json.dumps({**DOCUMENT, "more": 1}), False),
        (json.dumps(make_did_document("did:web:other.example", [KEY])), False),
        ("{", False),
        ("[" * 50_000, False),
        ('{"x":"' + "x" * 70_000 + '"}', False),
        ("", False),
    ],
)
async def test_a_document_counts_by_its_hash_whoever_serves_it(body: str, is_found: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    documents = NothingServedHere(private_addresses=True)
    if is_found:
        assert await documents.find_elsewhere(address) == DOCUMENT
    else:
        with pytest.raises(DidDocumentUnknown):
            await documents.find_elsewhere(address)
    await documents.close()
    server.close()


def test_the_pause_grows_up_to_an_hour() -> None:
    assert 0.5 <= pause_seconds(0) <= 1
    assert 16 <= pause_seconds(5) <= 32
    assert 1_800 <= pause_seconds(50) <= 3_600
