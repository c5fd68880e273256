"""The outermost of the API: names each request, lets it in or not, and says what became of it.

Plain ASGI before every door, so that whatever is answered has the request's id, in the header
`X-Request-Id`, in its problem document and in each line of the log.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from itertools import count

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.api.body_timer import BodyTimer
from node.api.gateway import METHODS
from node.api.metrics import LIMITED
from node.api.problem_documents import REQUEST_ID, RequestTooSlow, answer, too_slow
from node.api.rate_limits import KEY_IS_VALID, NETWORK, Caller, RateLimits
from node.api.security_headers import SecurityHeaders
from node.config import Settings
from node.logs import REQUEST_OF_LINES
from node.problems import Problem

HEADERS_BYTES_MAX = 16 * 1024
ID_FORM = re.compile(rb"[A-Za-z0-9._-]{1,64}")
WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/v1/consents/status", "unmatched"})
"""Asked too often, or by anybody, to be worth a line each time that all goes well."""

_OF_PROCESS = secrets.token_hex(4)
_numbers = count()

logger = structlog.get_logger("api")


class Admission:
    """Stands before all doors."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._limits = RateLimits(settings)
        self._headers = SecurityHeaders(settings.public_address)
        self._seconds_max = settings.request_seconds_max
        self._bodies = BodyTimer(settings.request_seconds_max)
        self._says_all = settings.log_level == "debug"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or anything else that is not HTTP, passed through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        doors = (self._app, self._limits, self._headers, self._bodies)
        visit = _Visit(*doors, self._seconds_max, scope, receive, send)
        await visit.run(self._says_all)


class _Visit:
    """One request on its way through."""

    __slots__ = (
        *("_app", "_limits", "_headers", "_scope", "_receive", "_send"),
        *("_bodies", "_started", "_deadline", "_is_received", "_status", "_request_id"),
    )

    def __init__(
        self,
        app: ASGIApp,
        limits: RateLimits,
        headers: SecurityHeaders,
        bodies: BodyTimer,
        seconds_max: float,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._app = app
        self._limits = limits
        self._headers = headers
        self._bodies = bodies
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = time.monotonic()
        self._deadline = asyncio.get_running_loop().time() + seconds_max
        self._is_received = scope["method"] in WITHOUT_BODY
        self._status = 0
        self._request_id = ""

    async def run(self, says_all: bool) -> None:
        """Answers, whatever happens."""
        headers = dict(self._scope["headers"])
        self._name(headers.get(b"x-request-id", b""))
        caller = self._caller(headers)
        self._scope[NETWORK] = caller.network
        try:
            refused = self._refusal(caller)
            if refused is not None:
                await answer(refused, Request(self._scope))(self._scope, self._receive, self._told)
            else:
                await self._app(self._scope, self._timely, self._told)
        except RequestTooSlow:  # of a door that reads the body by itself
            await self._answer_instead(too_slow())
        except Exception as error:
            # The application has answered before it raises; elsewhere nobody has.
            if not self._status:
                logger.error("request_failed", route=self._route(), exc_info=error)
            await self._answer_instead(Problem.of("unexpected"))
        finally:
            now = time.monotonic()
            self._limits.learn(caller, self._status, KEY_IS_VALID in self._scope, now)
            route = self._route()
            if says_all or route not in QUIET_ROUTES or self._status >= 500:
                self._say(route, now - self._started)

    def _name(self, wanted: bytes) -> None:
        is_good = ID_FORM.fullmatch(wanted) is not None
        self._request_id = wanted.decode() if is_good else f"{_OF_PROCESS}{next(_numbers):08x}"
        self._scope[REQUEST_ID] = self._request_id
        REQUEST_OF_LINES.set(self._request_id)

    def _caller(self, headers: dict[bytes, bytes]) -> Caller:
        client, forwarded = self._scope.get("client"), b""
        if b"x-forwarded-for" in headers:  # each proxy may have added a line of its own
            lines = (line for name, line in self._scope["headers"] if name == b"x-forwarded-for")
            forwarded = b",".join(lines)
        return self._limits.caller_of(
            client[0] if client else "",
            forwarded.decode("latin-1"),
            headers.get(b"authorization", b""),
            self._scope["path"],
        )

    def _refusal(self, caller: Caller) -> Problem | None:
        size = sum(len(name) + len(value) for name, value in self._scope["headers"])
        if size > HEADERS_BYTES_MAX:
            LIMITED.labels("headers").inc()
            detail = f"They have {size} bytes; the limit is {HEADERS_BYTES_MAX}."
            return Problem.of("headers-too-large", detail)
        refused = self._limits.take(caller, self._started)
        if refused is None:
            return None
        LIMITED.labels(refused.limit).inc()
        problem = Problem.of("too-many-requests", _OF_LIMIT[refused.limit])
        problem.headers["Retry-After"] = str(math.ceil(refused.wait_seconds))
        return problem

    async def _timely(self) -> Message:
        """What comes of the body, for as long as the node waits for one."""
        if self._is_received:
            return await self._receive()
        try:
            message = await self._bodies.receive(self._receive, self._deadline)
        except RequestTooSlow:
            LIMITED.labels("time").inc()
            raise
        self._is_received = not message.get("more_body")
        return message

    async def _told(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            scope = self._scope
            headers = self._headers.added(message, scope["path"], scope["query_string"])
            headers.append((b"x-request-id", self._request_id.encode()))
            message = {**message, "headers": headers}
        await self._send(message)

    async def _answer_instead(self, problem: Problem) -> None:
        if not self._status:
            await answer(problem, Request(self._scope))(self._scope, self._receive, self._told)

    def _route(self) -> str:
        """The route's template: its name carries no leaf, key or person."""
        return str(getattr(self._scope.get("route"), "path", "unmatched"))

    def _say(self, route: str, seconds: float) -> None:
        milliseconds = round(1_000 * seconds, 3)
        method = self._scope["method"] if self._scope["method"] in METHODS else "other"
        logger.info("request", method=method, route=route, status=self._status, ms=milliseconds)


_OF_LIMIT = {
    "key": "This key has asked as often as a key may within a minute.",
    "address": "This address has asked as often as one may within a minute.",
    "learners": "This address has asked as often as those of a school may within a minute.",
    "guesses": "This address has sent too many keys that are not valid.",
}
