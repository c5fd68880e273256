"""No request makes the node hold more than so many bytes, announced or not."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX = 32 * 1024 * 1024


class BodyTooLarge(HTTPException):
    """The body went over the limit while it was read."""

    def __init__(self, received_bytes: int) -> None:
        super().__init__(413)
        self.received_bytes = received_bytes


class BodyLimit:
    """Counts what is received, since a body sent in chunks announces no length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes messages on until the body is too large; then the reader gets BodyTooLarge."""
        received_bytes = 0

        async def counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > BODY_BYTES_MAX:
                raise BodyTooLarge(received_bytes)
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
