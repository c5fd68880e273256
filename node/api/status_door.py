"""`POST /v1/consents/status` for the usual case: by leaf, of consents that the caller holds.

Plain ASGI, since thousands of such questions a second cost more in the framework than in the
database. Whatever is not the usual case (entries, errors, an invalid key, an unknown leaf) goes on
to the application as if it had never been here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from fastapi import FastAPI
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import OperationalError as DatabaseError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.types import Message, Receive, Scope, Send

from indexer.queries.freshness import Freshness
from node.api.metrics import DURATION, QUICK_STATUS, REQUESTS
from node.api.rate_limits import KEY_IS_VALID
from node.api.schemas.base import AsOf
from node.api.schemas.consents import STATUS_BATCH_MAX, ConsentAnswer
from node.api_keys import KEY_PREFIX, hash_api_key
from node.commands.quick_gate import Answers, Known, QuickGate
from protocol.types import Leaf

PATH = "/v1/consents/status"
BEARER = f"Bearer {KEY_PREFIX}".encode()
QUESTION_BYTES_MAX = 512 * 1024
LEAF = re.compile(r"0x[0-9a-fA-F]{64}")


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    leaf: str


class _Questions(msgspec.Struct, forbid_unknown_fields=True):
    consents: list[_Question]


class _Route(NamedTuple):
    path: str


_ROUTE = _Route(PATH)
"""What the framework would have put into the scope."""
_decoder = msgspec.json.Decoder(_Questions)


class StatusDoor:
    """Stands before the application."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._requests = REQUESTS.labels("POST", PATH, 200)
        self._duration = DURATION.labels("POST", PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; those that are not for this door pass through."""
        if (
            scope["type"] != "http"
            or (scope["path"], scope["method"]) != (PATH, "POST")
            or scope["query_string"]
        ):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        body, is_whole = await _read(receive)
        answer = await self._answer(scope, body) if is_whole else None
        if answer is None:
            await self._app(scope, _Replayed(body, is_whole, receive), send)
            return
        scope["route"] = _ROUTE
        scope[KEY_IS_VALID] = True
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
        self._requests.inc()
        self._duration.observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, body: bytes) -> bytes | None:
        """The answer's JSON, or None if this is not the usual case."""
        headers = dict(scope["headers"])
        key = headers.get(b"authorization", b"")
        is_json = headers.get(b"content-type", b"").startswith(b"application/json")
        leaves = _leaves(body) if is_json and key.startswith(BEARER) else None
        if leaves is None:
            return None
        gate: QuickGate = self._app.state.quick_gate
        try:
            key_hash = hash_api_key(key.removeprefix(b"Bearer ").decode("latin-1").strip())
            found = await gate.ask(key_hash, leaves)
        except (OperationalError, DatabaseError, PoolTimeout, NoConnection):
            return None  # the route says so in its own words
        if found is None or not all(
            leaf in found.active or leaf in found.others for leaf in leaves
        ):
            return None
        QUICK_STATUS.inc(len(leaves))
        return _json(found, leaves)


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


_ACTIVE_FIELDS = (
    '"state":"active","active":true,"endedAt":null,"endedBy":null,"endings":[],'
    '"agreementStatus":"active",'
)


def _json(found: Answers, leaves: Sequence[bytes]) -> bytes:
    answers = [
        f'{{"leaf":"0x{leaf.hex()}",{_ACTIVE_FIELDS}"assurance":"{found.active[leaf]}"}}'
        if leaf in found.active
        else _other(Leaf(leaf), found.others[Leaf(leaf)])
        for leaf in leaves
    ]
    return _head(found.freshness) + ",".join(answers).encode() + b"]}"


@lru_cache(maxsize=8)
def _head(freshness: Freshness) -> bytes:
    """The same for all who share a query."""
    as_of: dict[str, Any] = AsOf.of(freshness).to_json()
    return b'{"asOf":' + msgspec.json.encode(as_of) + b',"consents":['


def _other(leaf: Leaf, known: Known) -> str:
    answer = ConsentAnswer.of(leaf, known.answer, known.assurance)
    return msgspec.json.encode(answer.to_json()).decode()
