"""A stranger sends little, and what is too much is refused before it came."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from node.api.body_limits import (
    BATCHES,
    CALLERS_BYTES_MAX,
    NODES_BYTES_MAX,
    OPEN_DOORS,
    PAGES,
    STRANGERS_BYTES_MAX,
    door_of,
)
from node.api.json_depth import JSON_MARKS_MAX
from node.api.organisation import (
    agreement_drafts,
    agreement_imports,
    agreements,
    catalogue,
    requests,
)
from protocol.record import to_json
from tests.access.callers import make_key
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import Json, World
from tests.watch.own_door import open_door

LIMIT_OF_OPEN_DOORS = [
    ("/v1/withdrawals", 16 * 1024),
    ("/v1/me/holders", 64 * 1024),
    ("/v1/sign-in/ethereum", 64 * 1024),
    ("/v1/organisations/0x00/rights-requests", 64 * 1024),
    ("/v1/requests/by-token/grant", 256 * 1024),
]
PART = 16 * 1024
BATCH_BYTES_MAX = 32 * 1024 * 1024


@pytest.fixture(scope="module")
def description(world: World) -> Json:
    answer: Json = httpx.get(f"{world.node.url}/openapi.json").json()
    return answer


def parts_of(length: int) -> Iterator[bytes]:
    """JSON so far as it goes, in pieces whose sum nobody has announced."""
    yield b"{"
    for start in range(1, length, PART):
        yield b" " * min(PART, length - start)


def post_in_parts(world: World, path: str, length: int, **headers: str) -> httpx.Response:
    kind = {"Content-Type": "application/json", **headers}
    return httpx.post(f"{world.node.url}{path}", content=parts_of(length), headers=kind, timeout=30)


def announce(world: World, path: str, length: int, **headers: str) -> tuple[bytes, Json]:
    """Head and problem of what is answered to a body that is announced and never comes."""
    address = urlsplit(world.node.url)
    told = {"Content-Type": "application/json", **headers, "Content-Length": str(length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"POST {path} HTTP/1.1\r\nHost: node\r\n{lines}\r\n"
    with socket.create_connection((address.hostname, address.port or 0), 20) as connection:
        connection.sendall(head.encode())
        said = b""
        while part := connection.recv(65_536):
            said += part
    head_of_answer, _, body = said.partition(b"\r\n\r\n")
    return head_of_answer, json.loads(body)


def test_every_door_that_asks_for_no_key_has_a_small_limit(description: Json) -> None:
    taking_bodies = [
        (path, operation)
        for path, operations in description["paths"].items()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    assert len(taking_bodies) > 20
    learners = [
        path
        for path, operation in taking_bodies
        if {"LearnerSession"} == {name for each in operation.get("security", ()) for name in each}
    ]
    for path, operation in taking_bodies:
        door = door_of(path)
        assert door.is_open is ("security" not in operation or path in learners), path
        described = operation["requestBody"]["description"]
        assert str(door.bytes_max) in described
        assert str(door.callers_bytes_max) in described


@pytest.mark.parametrize(("path", "limit"), LIMIT_OF_OPEN_DOORS)
def test_an_open_door_takes_so_much_and_says_so(at_rest: World, path: str, limit: int) -> None:
    key = at_rest.provider.client._http.headers["authorization"]
    with nothing_written(at_rest):
        head, problem = announce(at_rest, path, limit + 1)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in head.lower()
        assert str(limit) in problem["detail"]
        for headers in ({}, {"Authorization": key}):
            answer = post_in_parts(at_rest, path, limit + PART, **headers)
            assert_problem(answer, 413, "body-too-large", None)
        assert_problem(post_in_parts(at_rest, path, limit), 400, "json-malformed", "body")
    assert limit in OPEN_DOORS.values()


def test_a_batch_is_for_who_has_the_right_that_its_route_asks_for(description: Json) -> None:
    operations = {
        path: operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if method == "post"
    }
    modules = (agreement_drafts, agreement_imports, agreements, catalogue, requests)
    pages = [str(getattr(page, "path", "")) for each in modules for page in each.pages.routes]
    for pattern, (_, asked) in BATCHES.items():
        if pattern.pattern.startswith(PAGES):
            assert any(map(pattern.match, pages)), pattern
            continue
        [path] = filter(pattern.match, operations)
        assert operations[path]["security"] == [{"Caller": [asked]}]
        assert f"found to give {asked}" in operations[path]["requestBody"]["description"]


@pytest.mark.parametrize(
    ("path", "limit", "kind"),
    [
        ("/v1/consents", BATCH_BYTES_MAX, "key-invalid"),
        ("/v1/records", NODES_BYTES_MAX, "token-refused"),
        ("/v1/usages", CALLERS_BYTES_MAX, "key-invalid"),
    ],
)
def test_the_credential_is_looked_at_before_any_of_a_large_body(
    at_rest: World, path: str, limit: int, kind: str
) -> None:
    with nothing_written(at_rest):
        head, problem = announce(at_rest, path, limit)
        assert head.startswith(b"HTTP/1.1 401 ")
        assert b"connection: close" in head.lower()
        assert problem["type"] == f"/problems/{kind}"
        head, problem = announce(at_rest, path, limit + 1)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert str(limit) in problem["detail"]


def test_the_right_is_looked_at_before_any_of_a_batch(world: World) -> None:
    """Whoever may not send it makes the node read nothing, and so keeps nobody else waiting."""
    provider = world.provider.client
    for role, areas in (("admin", ["webhooks"]), ("auditor", None)):
        key = f"Bearer {make_key(provider, role, areas=areas)['apiKey']}"
        head, problem = announce(world, "/v1/consents", BATCH_BYTES_MAX, Authorization=key)
        assert head.startswith(b"HTTP/1.1 403 ")
        assert b"connection: close" in head.lower()
        assert problem["type"] == "/problems/role-missing"
        head, problem = announce(world, "/v1/records", NODES_BYTES_MAX, Authorization=key)
        assert problem["type"] == "/problems/token-refused", "a key opens no door of nodes"


@pytest.mark.parametrize(
    ("value", "marks", "status", "kind"),
    [
        (b'{"a":0}', 4, 413, "body-too-large"),
        (b"0", 1, 413, "body-too-large"),
        (b"0", 3, 422, "request-invalid"),
    ],
)
def test_more_values_than_any_batch_holds_are_not_parsed(
    at_rest: World, value: bytes, marks: int, status: int, kind: str
) -> None:
    """And a million that are no record are told by the first."""
    body = b'{"records":[' + (value + b",") * (JSON_MARKS_MAX // marks) + value + b"]}"
    key = at_rest.provider.client._http.headers["authorization"]
    headers = {"Authorization": key, "Content-Type": "application/json"}
    with nothing_written(at_rest):
        url = f"{at_rest.node.url}/v1/consents"
        answer = httpx.post(url, content=body, headers=headers, timeout=30)
        field = "records.0" if status == 422 else None
        assert_problem(answer, status, kind, field)
        assert len(answer.content) < 2_000


@pytest.mark.parametrize("path", ["/v1/consents", "/v1/consents/status", "/v1/records"])
def test_a_wrong_credential_is_told_when_the_body_grows(at_rest: World, path: str) -> None:
    with nothing_written(at_rest):
        for token, slug in [
            ("ptx_wrong", "key-invalid"),
            ("ptxs_wrong", "session-ended"),
            ("a.b.c", "token-refused"),
        ]:
            told = "token-refused" if path == "/v1/records" else slug
            key = f"Bearer {token}"
            answer = post_in_parts(at_rest, path, STRANGERS_BYTES_MAX * 20, Authorization=key)
            assert_problem(answer, 401, told, None)


def test_the_first_request_of_a_new_process_may_be_a_large_batch(
    world: World, tmp_path: Path
) -> None:
    record = world.make_record(secrets.token_bytes(32))
    body = json.dumps({"records": [to_json(record)]}).encode()
    padded = body + b" " * (BATCH_BYTES_MAX - len(body))
    headers = {
        "Authorization": world.provider.client._http.headers["authorization"],
        "Content-Type": "application/json",
    }
    with open_door(world, tmp_path / "api.log") as door:
        url = f"{door.url}/v1/consents"
        answer = httpx.post(url, content=padded, headers=headers, timeout=30)
        assert answer.status_code == 202, answer.text
    world.wait_for_state(record, "active")


def test_a_key_that_is_no_longer_valid_counts_as_a_strangers(at_rest: World) -> None:
    made = at_rest.provider.client.post("/v1/api-keys", {"label": "batches", "role": "admin"})
    headers = {"Authorization": f"Bearer {made['apiKey']}"}
    length = STRANGERS_BYTES_MAX + PART
    assert_problem(
        post_in_parts(at_rest, "/v1/usages", length, **headers), 400, "json-malformed", "body"
    )
    send(at_rest.provider.client, "DELETE", f"/v1/api-keys/{made['keyId']}")
    answer = post_in_parts(at_rest, "/v1/usages", length, **headers)
    assert_problem(answer, 401, "key-invalid", None)
