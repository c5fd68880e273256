"""Which other operators are there, and at which address do learners' browsers reach them?

`ParticipantRegistry` says so: whoever has the role of an operator, is not suspended, and has
written the address of its node on chain. That address is text which its operator chose; only a
scheme, a name and a port pass, since it goes into the policy of a page.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from indexer.queries.participants import ParticipantRow, list_operators
from node.db import query
from protocol.types import OrganisationId

KEPT_SECONDS = 5.0
OPERATORS_MAX = 100
"""A page's policy names each, and a header has its limit."""
ADDRESS = re.compile(r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?/?")
USUAL_PORTS = {"https": "443", "http": "80"}


@dataclass(frozen=True, slots=True)
class Operator:
    """`origin` is where its node answers, as browsers write it (RFC 6454); None where it has
    written none that a browser could be sent to from this node's pages."""

    organisation: OrganisationId
    did: str
    origin: str | None


class KnownOperators:
    """The others, as of a few seconds ago at most."""

    def __init__(
        self,
        database: AsyncEngine,
        own: OrganisationId,
        public_address: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._own = own
        self._takes_http = public_address.startswith("http://")
        self._clock = clock
        self._reading = asyncio.Lock()
        self._kept: tuple[Operator, ...] = ()
        self._kept_until = clock()

    async def others(self) -> tuple[Operator, ...]:
        """All but this node's own, by their ids."""
        async with self._reading:
            if self._clock() >= self._kept_until:
                self._kept = await self._read()
                self._kept_until = self._clock() + KEPT_SECONDS
            return self._kept

    async def origins(self) -> frozenset[str]:
        """Where the others' nodes answer, and their pages come from."""
        return frozenset(each.origin for each in await self.others() if each.origin)

    async def _read(self) -> tuple[Operator, ...]:
        async with self._database.connect() as connection:
            rows = await query(connection, list_operators)
        others = (row for row in rows if row.organisation != self._own)
        return tuple(map(self._of, others))[:OPERATORS_MAX]

    def _of(self, row: ParticipantRow) -> Operator:
        return Operator(row.organisation, row.did, origin_of(row.service_address, self._takes_http))


def origin_of(address: str | None, takes_http: bool) -> str | None:
    """The origin of an address on chain; a page that came by https reaches nothing by http."""
    found = ADDRESS.fullmatch((address or "").lower())
    if found is None:
        return None
    scheme, host, port = found.groups()
    if scheme == "http" and not takes_http:
        return None
    return f"{scheme}://{host}" + ("" if port in (None, USUAL_PORTS[scheme]) else f":{port}")
