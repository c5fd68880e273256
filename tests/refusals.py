"""What every refusal must have: a problem document with a remedy, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from eth_typing import ChecksumAddress

from node.keys import load_or_create_account
from node.preparation import OPERATOR_KEY
from tests.stage import Json, World, counts


@contextmanager
def nothing_written(world: World) -> Iterator[None]:
    """Inside the block no table of the node gets a row, and the sender sends nothing."""
    before = _written(world)
    yield
    assert _written(world) == before


def _written(world: World) -> dict[str, int]:
    with world.node.engine.connect() as connection:
        found = counts(connection)
    sender = _sender_of(world.node.settings.keys_dir)
    return {**found, "nonce": world.web3.eth.get_transaction_count(sender)}


@cache
def _sender_of(keys_dir: Path) -> ChecksumAddress:
    return load_or_create_account(keys_dir, OPERATOR_KEY).address


def send(
    client: Any, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    """A request as the client's organisation, without judging the answer."""
    http: httpx.Client = client._http
    if isinstance(body, bytes):
        kind = {"Content-Type": "application/json", **(headers or {})}
        return http.request(method, path, content=body, headers=kind)
    return http.request(method, path, json=body, headers=headers)


def assert_problem(response: httpx.Response, status: int, slug: str, field: str | None) -> Json:
    """An RFC 9457 document of this kind that names the field and says what to do."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: Json = response.json()
    assert problem["type"] == f"/problems/{slug}", problem
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["instance"] == response.request.url.path
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem["errors"]
        assert all(error["detail"] and error["remedy"] for error in problem["errors"])
    return problem


def refused(
    world: World,
    client: Any,
    path: str,
    body: Any,
    status: int,
    slug: str,
    field: str | None,
) -> Json:
    """Sends a write that must be refused without a trace."""
    with nothing_written(world):
        return assert_problem(send(client, "POST", path, body), status, slug, field)
