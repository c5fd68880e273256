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
QUESTION_BYTES_MAX = 512 * 1024
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
        body, is_whole = await _read(receive)
        answer = await _answer(scope, body) if is_whole else None
        if answer is None:
            await self._app(scope, _Replayed(body, is_whole, receive), send)
            return
        scope["route"] = _Route(PATH)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class _Replayed:
    """What was read of a body already, then what else comes."""

    def __init__(self, body: bytes, is_whole: bool, receive: Receive) -> None:
        self._body: bytes | None = body
        self._is_whole = is_whole
        self._receive = receive

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": not self._is_whole}


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether that is all of it: a longer one than any question, or one that breaks
    off, is for the framework to refuse."""
    body = b""
    while len(body) <= QUESTION_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body, True
    return body, False


def _leaves(body: bytes) -> list[bytes] | None:
    """The leaves that are asked for, or None if that is not all that the body says."""
    try:
        asked = [question.leaf for question in _decoder.decode(body).consents]
    except msgspec.DecodeError:
        return None
    if not 1 <= len(asked) <= STATUS_BATCH_MAX or not all(map(LEAF.fullmatch, asked)):
        return None
    return [bytes.fromhex(leaf[2:]) for leaf in asked]


async def _answer(scope: Scope, body: bytes) -> bytes | None:
    """The answer's JSON, or None if this is not the usual case."""
    headers = dict(scope["headers"])
    key = headers.get(b"authorization", b"")
    is_json = headers.get(b"content-type", b"").startswith(b"application/json")
    leaves = _leaves(body) if is_json and key.startswith(BEARER) else None
    if leaves is None:
        return None
    gate: QuickGate = scope["app"].state.quick_gate
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
