"""How much of a body the node takes, judged before any of it is parsed: parsing is what costs.

What anybody may send is small. More is for who has a valid credential, and a batch for who has the
right that its route asks for, which is looked at as soon as the body turns out to be more than a
stranger's; the request is judged by its route later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Scope

from node.api.context import context_of
from node.api.did_tokens import check_node_token
from node.api.organisation.session_cookie import session_in
from node.api.principal import principal_of
from node.permissions import Area, right
from node.problems import Problem

KIB = 1024
MIB = 1024 * KIB
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
CALLERS_BYTES_MAX = MIB

_CONSENTS = right(Area.CONSENTS, write=True)
_AGREEMENTS = right(Area.AGREEMENTS, write=True)
BATCHES = {
    re.compile("/v1/consents/?$"): (32 * MIB, _CONSENTS),
    re.compile("/v1/consent-requests/import/?$"): (16 * MIB, _CONSENTS),
    re.compile("/organisation/requests/import$"): (16 * MIB, _CONSENTS),
    re.compile("/organisation/requests/import/confirmed$"): (32 * MIB, _CONSENTS),
    re.compile("/organisation/catalogue/import$"): (4 * MIB, _AGREEMENTS),
    re.compile("/organisation/catalogue$"): (12 * MIB, _AGREEMENTS),
    re.compile("/organisation/agreements/(new|import|[^/]+/document)$"): (4 * MIB, _AGREEMENTS),
}
"""What the largest batch that a route takes needs, and the right that the route asks for. A form
that sends back what a file held takes up to three times as many bytes."""
NODES_DOOR = re.compile("/v1/records(/|$)")
NODES_BYTES_MAX = 8 * MIB
"""Where other nodes deliver: 100 records of 64 KiB, and what stands around them."""


class BodyRefused(HTTPException):
    """No more of the body is read. The framework lets no other error through while it reads. What
    is left is not read, so nothing else can follow on the connection, and the client must know
    (RFC 9112, section 9.6)."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        problem.headers["Connection"] = "close"
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Door:
    """How many bytes a stranger may send at an address, and how many somebody who may: with this
    right, or any valid credential for None. `for_nodes`: with the token of a node."""

    bytes_max: int
    callers_bytes_max: int
    asked: str | None = None
    for_nodes: bool = False

    @property
    def is_open(self) -> bool:
        """Whether no credential opens it any further."""
        return self.callers_bytes_max == self.bytes_max


class BodyLimit:
    """Of one request. It grows once, when the credential is found to allow that."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._door = door_of(scope["path"])
        self._bytes_max = self._door.bytes_max

    async def require(self, length: int) -> None:
        """Raises BodyRefused for a body of so many bytes, or of more."""
        if length <= self._bytes_max:
            return
        limit = self._door.callers_bytes_max
        if length > limit:
            detail = f"It has {length} bytes or more; the limit at this address is {limit}."
            raise BodyRefused(Problem.of("body-too-large", detail))
        await self._require_caller()
        self._bytes_max = limit

    async def _require_caller(self) -> None:
        request = Request(self._scope)
        context = context_of(request)
        if self._scope["path"].startswith(PAGES):
            token = session_in(request, context.settings) or ""
        else:
            _, token = get_authorization_scheme_param(request.headers.get("authorization", ""))
        try:
            if self._door.for_nodes:
                await check_node_token(context, token)
                return
            caller = await principal_of(context, token, is_request=False)
            if self._door.asked is not None:
                caller.require(self._door.asked)
        except Problem as problem:
            raise BodyRefused(problem) from problem
        except (OperationalError, PoolTimeout) as error:
            raise BodyRefused(Problem.of("database-unavailable")) from error


def door_of(path: str) -> Door:
    """What may be sent to an address."""
    for pattern, bytes_max in OPEN_DOORS.items():
        if pattern.match(path):
            return Door(bytes_max, bytes_max)
    for pattern, (bytes_max, asked) in BATCHES.items():
        if pattern.match(path):
            return Door(STRANGERS_BYTES_MAX, bytes_max, asked)
    if NODES_DOOR.match(path):
        return Door(STRANGERS_BYTES_MAX, NODES_BYTES_MAX, for_nodes=True)
    return Door(STRANGERS_BYTES_MAX, CALLERS_BYTES_MAX)


def in_words(path: str) -> str:
    """What the description of the API says of a body."""
    door = door_of(path)
    if door.is_open:
        return f"At most {door.bytes_max} bytes."
    found = "found valid" if door.asked is None else f"found to give {door.asked}"
    return (
        f"At most {door.callers_bytes_max} bytes; of more than {door.bytes_max} none is read "
        f"before the credential is {found}."
    )
