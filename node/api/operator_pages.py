"""Which pages of other sites may read what this node answers to a learner's browser?

Those of the operators that `ParticipantRegistry` names, at the learners' doors, and no others: a
learner finds consents again from any operator's page (CORS, fetch.spec.whatwg.org). What opens
these doors is a signature or a session's token that the page shows itself; no cookie goes along.
"""

from __future__ import annotations

import re

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from node.known_operators import KnownOperators

DOORS = re.compile(r"/v1/(me/[a-z]+|withdrawals(/0x[0-9a-fA-F]{64})?|ledger)/?")
PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
)


class OperatorPages:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; most are none of a page elsewhere and pass."""
        if scope["type"] != "http" or not DOORS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        origin = asked.get(b"origin", b"")
        if not origin or not await _is_operators(scope, origin.decode("latin-1")):
            await self._app(scope, receive, send)
            return
        allowed = ((b"access-control-allow-origin", origin), (b"vary", b"Origin"))
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in asked:
            start = {"type": "http.response.start", "status": 204}
            await send({**start, "headers": [*allowed, *PREFLIGHT]})
            await send({"type": "http.response.body", "body": b""})
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *allowed]}
            await send(message)

        await self._app(scope, receive, told)


async def _is_operators(scope: Scope, origin: str) -> bool:
    operators: KnownOperators = scope["app"].state.node.operators
    try:
        return origin in await operators.origins()
    except (OperationalError, PoolTimeout):
        return False  # the route says so in its own words
