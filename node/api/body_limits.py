"""How much of a body the node takes, judged before any of it is parsed: parsing is what costs.

What anybody may send is small. A batch is for who has a valid credential, which is looked at as
soon as the body turns out to be more than a stranger's; the request is judged by its route later.
"""

from __future__ import annotations

import re

from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Scope

from node.api.context import context_of
from node.api.organisation.session_cookie import session_in
from node.api.principal import require_valid
from node.problems import Problem

KIB = 1024
OPEN_DOORS = {
    re.compile("/v1/withdrawals(/|$)"): 16 * KIB,
    re.compile("/v1/(me|sign-in)(/|$)"): 64 * KIB,
    re.compile("/v1/organisations/[^/]+/rights-requests/?$"): 64 * KIB,
    re.compile("/v1/requests(/|$)"): 256 * KIB,
}
"""Where no key is asked for: a key makes nobody's body larger there."""
PAGES = "/organisation/"
"""Where a cookie is the credential."""
STRANGERS_BYTES_MAX = 64 * KIB
CALLERS_BYTES_MAX = 32 * KIB * KIB


class BodyRefused(HTTPException):
    """No more of the body is read. The framework lets no other error through while it reads. What
    is left is not read, so nothing else can follow on the connection, and the client must know
    (RFC 9112, section 9.6)."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        problem.headers["Connection"] = "close"
        self.problem = problem


class BodyLimit:
    """Of one request. It grows once, when the credential is found valid."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._is_open, self._bytes_max = limit_of(scope["path"])

    async def require(self, length: int) -> None:
        """Raises BodyRefused for a body of so many bytes, or of more."""
        if length <= self._bytes_max:
            return
        if not self._is_open and length <= CALLERS_BYTES_MAX:
            await self._require_valid()
            self._bytes_max = CALLERS_BYTES_MAX
            return
        limit = self._bytes_max if self._is_open else CALLERS_BYTES_MAX
        detail = f"It has {length} bytes or more; the limit at this address is {limit}."
        raise BodyRefused(Problem.of("body-too-large", detail))

    async def _require_valid(self) -> None:
        request = Request(self._scope)
        context = context_of(request)
        if self._scope["path"].startswith(PAGES):
            token = session_in(request, context.settings) or ""
        else:
            _, token = get_authorization_scheme_param(request.headers.get("authorization", ""))
        try:
            await require_valid(context, token)
        except Problem as problem:
            raise BodyRefused(problem) from problem
        except (OperationalError, PoolTimeout) as error:
            raise BodyRefused(Problem.of("database-unavailable")) from error


def limit_of(path: str) -> tuple[bool, int]:
    """Whether the door is open to anybody, and how many bytes a stranger may send there."""
    for door, bytes_max in OPEN_DOORS.items():
        if door.match(path):
            return True, bytes_max
    return False, STRANGERS_BYTES_MAX


def in_words(path: str) -> str:
    """What the description of the API says of a body."""
    is_open, bytes_max = limit_of(path)
    if is_open:
        return f"At most {bytes_max} bytes."
    return (
        f"At most {CALLERS_BYTES_MAX} bytes; of more than {bytes_max} none is read before the "
        "credential is found valid."
    )
