"""What every request passes first: the limits on size and depth, the count, the time it took.

Plain ASGI, since a middleware on Starlette's base class costs more than most answers.
"""

from __future__ import annotations

import time
from http import HTTPMethod

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.api.body_limits import BodyLimit, BodyRefused
from node.api.json_depth import JSON_MARKS_MAX, has_too_much, is_too_deep
from node.api.metrics import DURATION, REQUESTS
from node.api.problem_documents import JsonTooDeep
from node.problems import Problem

METHODS = frozenset(method.value for method in HTTPMethod)
"""Names of their own invention would each be kept for ever."""


def require_parseable(body: bytes) -> None:
    """Raises BodyRefused, or JsonTooDeep, for JSON that would keep a parser from all others."""
    if has_too_much(body):
        detail = f"It has more than {JSON_MARKS_MAX} quotes, commas, brackets and braces."
        raise BodyRefused(Problem.of("body-too-large", detail))
    if is_too_deep(body):
        raise JsonTooDeep


class Gateway:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or anything else that is not HTTP, passed through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        received = 0
        limit = BodyLimit(scope)
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        is_json = b"json" in headers.get(b"content-type", b"").lower()
        parts: list[bytes] = []

        async def counted_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        async def limited_receive() -> Message:
            nonlocal received
            await limit.require(announced)
            message = await receive()
            part = message.get("body", b"")
            received += len(part)
            await limit.require(received)
            if is_json:
                parts.append(part)
                if not message.get("more_body"):
                    require_parseable(b"".join(parts))
            return message

        try:
            await self._app(scope, limited_receive, counted_send)
        finally:
            route = str(getattr(scope.get("route"), "path", "unmatched"))
            method = scope["method"] if scope["method"] in METHODS else "other"
            REQUESTS.labels(method, route, status).inc()
            DURATION.labels(method, route).observe(time.perf_counter() - started)
