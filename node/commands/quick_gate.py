"""The gate's quick side: where an organisation's consents stand, for many callers in one query.

A consent that the caller's organisation holds, which is anchored, within its validity, ended by
nobody and under an active agreement, has one answer. One statement picks those among all that are
asked at the same time; for all others the gate itself answers, with its reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine

from indexer.cursor import read_cursor
from indexer.queries.agreements import find_agreement_facts
from indexer.queries.consents import standing_sql
from indexer.queries.freshness import (
    FRESHNESS_SQL,
    Freshness,
    IndexEmpty,
    freshness_of,
    read_freshness,
)
from node.commands.coalescing import Coalescer
from node.commands.gate import Gate, GateAnswer, find_consents
from node.db import (
    API_ROLE,
    STATEMENT_TIMEOUT_MILLISECONDS,
    act_as,
    bytea_array,
    query,
    snapshots,
)
from node.permissions import Area, right, roles_with
from protocol.agreement import AgreementStatus, status_at
from protocol.types import HASH_LENGTH, AgreementId, Leaf, OrganisationId, UnixSeconds

LEAVES_PER_QUERY_MAX = 4_000
CONNECTIONS = 2
ATTEMPTS_MAX = 3

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_ROLES = ", ".join(f"'{role}'" for role in roles_with(right(Area.CONSENTS)))
_ENTER = (
    "SELECT set_config('ptx.organisation', coalesce("
    "(SELECT encode(organisation_id, 'hex') FROM node.principal_of(%(key)s)"
    f" WHERE used_today AND role IN ({_ROLES})"
    f" AND (areas IS NULL OR '{Area.CONSENTS}' = ANY (areas))), ''), false)"
)
"""The organisation of a key that may read consents. A key's first request of a day is not for this
side, which writes nothing: the route notes that the key was used."""

_NOW = (
    "(SELECT greatest(floor(extract(epoch FROM clock_timestamp())), block_time)"
    " FROM indexing.cursor)"
)
_ACTIVE = (
    "SELECT c.agreement_id, c.issuer, c.assurance, string_agg(c.leaf, '') FROM node.consents AS c"
    " WHERE c.organisation_id = (SELECT node.current_organisation())"
    " AND c.leaf = ANY (%(leaves)s::bytea[])"
    f" AND c.valid_from <= {_NOW} AND {_NOW} < c.valid_until"
    " AND NOT EXISTS (SELECT FROM node.withdrawals AS w WHERE w.leaf = c.leaf)"
    f" AND {standing_sql('c.leaf', 'c.issuer')}"
    " GROUP BY c.agreement_id, c.issuer, c.assurance"
)
"""What is alike of many consents comes once, with all their leaves; indexes alone hold all of it,
since a row of its own for each of thousands costs more than to find it."""


class _Active(NamedTuple):
    """What one statement found: whose key it was, the block, leaf → assurance of the active."""

    organisation: bytes
    freshness: Freshness
    assurances: dict[bytes, str]


class Known(NamedTuple):
    """Where a consent stands that is not simply active, and its record's assurance."""

    answer: GateAnswer
    assurance: str


class _Others(NamedTuple):
    """As of which block, and what the gate said."""

    block_hash: bytes
    known: Mapping[Leaf, Known]


class Answers(NamedTuple):
    """The block that they rest on; leaf → assurance of those that are active; those that are not.
    A leaf in neither is of no consent that the caller holds."""

    freshness: Freshness
    active: Mapping[bytes, str]
    others: Mapping[Leaf, Known]


class QuickGate:
    """Asks for everybody with the same key at once."""

    def __init__(
        self,
        database: AsyncEngine,
        gate: Gate,
        judge: Callable[[Freshness], Freshness | None],
    ) -> None:
        """`judge` gives None for an index that is too old to answer."""
        self._database = database
        self._gate = gate
        self._judge = judge
        self._active = Coalescer(self._find_active, LEAVES_PER_QUERY_MAX)
        self._others = Coalescer(self._find_others, LEAVES_PER_QUERY_MAX)
        url = database.url.set(drivername="postgresql")
        options = f"-c role={API_ROLE} -c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS}"
        self._pool = AsyncConnectionPool(
            url.render_as_string(hide_password=False),
            kwargs={"autocommit": True, "prepare_threshold": 0, "options": options},
            min_size=0,
            max_size=CONNECTIONS,
            open=False,
        )

    async def open(self) -> None:
        """Before the first question."""
        await self._pool.open()

    async def close(self) -> None:
        """After the last one."""
        await self._pool.close()

    async def ask(self, key_hash: bytes, leaves: Sequence[bytes]) -> Answers | None:
        """Where the consents of an API key's organisation stand, all as of one block. None if the
        index is too old, the key may not read consents or was not used today, or the index moves on
        each time in between."""
        for _ in range(ATTEMPTS_MAX):
            found = await self._active.ask(key_hash, leaves)
            if found is None:
                return None
            missing = [leaf for leaf in leaves if leaf not in found.assurances]
            if not missing:
                return Answers(found.freshness, found.assurances, {})
            others = await self._others.ask(found.organisation, missing)
            if others is None:
                return None
            if others.block_hash == found.freshness.block.block_hash:
                return Answers(found.freshness, found.assurances, others.known)
        return None

    async def _find_active(self, key_hash: bytes, leaves: Sequence[bytes]) -> _Active | None:
        async with self._pool.connection() as connection:
            async with connection.pipeline():
                await connection.execute(_BEGIN)
                entering = await connection.execute(_ENTER, {"key": key_hash})
                reading = await connection.execute(FRESHNESS_SQL, binary=True)
                finding = await connection.execute(
                    _ACTIVE, {"leaves": bytea_array(leaves)}, binary=True
                )
                await connection.execute("COMMIT")
            entered, read = await entering.fetchone(), await reading.fetchone()
            rows = await finding.fetchall()
        judged = None if read is None else self._judge(freshness_of(read))
        if judged is None or not entered or not entered[0]:
            return None
        active: dict[bytes, str] = {}
        for agreement_id, issuer, assurance, joined in rows:
            permits = await self._permits(judged, agreement_id, issuer)
            if permits is None:
                return None
            if permits:
                for start in range(0, len(joined), HASH_LENGTH):
                    active[joined[start : start + HASH_LENGTH]] = assurance
        return _Active(bytes.fromhex(entered[0]), judged, active)

    async def _find_others(self, organisation: bytes, leaves: Sequence[bytes]) -> _Others | None:
        """By the gate itself."""
        async with snapshots(self._database).begin() as connection:
            await act_as(connection, organisation)
            try:
                judged = self._judge(await query(connection, read_freshness))
            except IndexEmpty:
                judged = None
            if judged is None:
                return None
            known = await find_consents(connection, leaves)
            entries = [consent.entry for consent in known.values()]
            answers = await self._gate.ask(connection, entries, judged)
        found = {
            leaf: Known(answer, consent.assurance)
            for (leaf, consent), answer in zip(known.items(), answers, strict=True)
        }
        return _Others(judged.block.block_hash, found)

    async def _permits(
        self, freshness: Freshness, agreement_id: AgreementId, issuer: OrganisationId
    ) -> bool | None:
        """Whether the agreement is active now with the issuer among its parties; None if the index
        has moved on meanwhile."""
        remembered = self._gate.remembered(freshness)
        if agreement_id not in remembered:
            async with snapshots(self._database).connect() as connection:
                cursor = await query(connection, read_cursor)
                facts = await query(connection, find_agreement_facts, agreement_id)
            if cursor is None or cursor.at != freshness.block:
                return None
            remembered[agreement_id] = facts
        facts = remembered[agreement_id]
        return (
            facts is not None
            and issuer in facts.parties
            and status_at(facts, UnixSeconds(freshness.now)) is AgreementStatus.ACTIVE
        )
