"""`POST /v1/consents/status` for the usual case: by leaf, and all of them active.

Plain ASGI, since thousands of such questions a second cost more in the framework than in the
database. Whatever is not the usual case (entries, errors, an invalid key, a consent that is not
simply active) goes on to the route itself as if it had never been here.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.queries.freshness import Freshness
from node.api.metrics import QUICK_STATUS
from node.api.schemas.base import AsOf
from node.api.schemas.consents import STATUS_BATCH_MAX
from node.api_keys import hash_api_key
from node.commands.quick_gate import QuickGate

PATH = "/v1/consents/status"
BEARER = b"Bearer "
LEAF = re.compile(r"0x[0-9a-fA-F]{64}")


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    leaf: str


class _Questions(msgspec.Struct, forbid_unknown_fields=True):
    consents: list[_Question]


class _Route(NamedTuple):
    """What metrics call it."""

    path: str


_decoder = msgspec.json.Decoder(_Questions)


class StatusDoor:
    """Stands before the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; those that are not for this door pass through."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        answer = None if body is None else await _answer(scope, body)
        if answer is None:
            await self._app(scope, _Replayed(body, receive), send)
            return
        scope["route"] = _Route(PATH)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class _Replayed:
    """A body that was read already, then what else comes."""

    def __init__(self, body: bytes | None, receive: Receive) -> None:
        self._body = body
        self._receive = receive

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": False}


async def _read(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(scope: Scope, body: bytes) -> bytes | None:
    """The answer's JSON, or None if this is not the usual case."""
    key = next((v for name, v in scope["headers"] if name == b"authorization"), b"")
    try:
        asked = [question.leaf for question in _decoder.decode(body).consents]
    except msgspec.DecodeError:
        return None
    if not key.startswith(BEARER) or not 1 <= len(asked) <= STATUS_BATCH_MAX:
        return None
    if not all(map(LEAF.fullmatch, asked)):
        return None
    gate: QuickGate = scope["app"].state.quick_gate
    leaves = [bytes.fromhex(leaf[2:]) for leaf in asked]
    try:
        key_hash = hash_api_key(key.removeprefix(BEARER).decode("latin-1").strip())
        found = await gate.ask(key_hash, leaves)
    except (OperationalError, PoolTimeout):
        return None  # the route says so in its own words
    if found is None or not all(leaf in found.active for leaf in leaves):
        return None
    QUICK_STATUS.inc(len(leaves))
    answers = [
        f'{{"leaf":"0x{leaf.hex()}",{_ACTIVE_FIELDS}"assurance":"{found.active[leaf]}"}}'
        for leaf in leaves
    ]
    return _head(found.freshness) + ",".join(answers).encode() + b"]}"


_ACTIVE_FIELDS = (
    '"state":"active","active":true,"endedAt":null,"endedBy":null,"endings":[],'
    '"agreementStatus":"active",'
)


def _head(freshness: Freshness) -> bytes:
    as_of: dict[str, Any] = AsOf.of(freshness).to_json()
    return b'{"asOf":' + msgspec.json.encode(as_of) + b',"consents":['
