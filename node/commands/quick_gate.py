"""The gate's quick side: consents that simply are active, for many callers in one query.

A consent that the caller's organisation holds, which is anchored, within its validity, ended by
nobody and under an active agreement, has one answer. One statement picks those among all that are
asked at the same time; for every other consent the gate itself answers, with its reasons.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine

from indexer.queries.agreements import find_agreement_facts
from indexer.queries.consents import standing_sql
from indexer.queries.freshness import FRESHNESS_SQL, Freshness, freshness_of
from node.commands.gate import Gate
from node.db import API_ROLE, STATEMENT_TIMEOUT_MILLISECONDS, query
from protocol.agreement import AgreementStatus, status_at
from protocol.types import AgreementId, OrganisationId, UnixSeconds

LEAVES_PER_QUERY_MAX = 4_000
CONNECTIONS = 2

_ENTER = (
    "SELECT set_config('ptx.organisation', coalesce("
    "(SELECT encode(organisation_id, 'hex') FROM node.principal_of(%(key)s)), ''), false)"
)
_ACTIVE = (
    "SELECT c.leaf, c.assurance, c.agreement_id, c.issuer FROM node.consents AS c"
    " WHERE c.organisation_id = (SELECT node.current_organisation()) AND c.leaf = ANY (%(leaves)s)"
    " AND c.valid_from <= %(now)s AND %(now)s < c.valid_until"
    " AND NOT EXISTS (SELECT FROM node.withdrawals AS w WHERE w.leaf = c.leaf)"
    f" AND {standing_sql('c.leaf', 'c.issuer', '%(now)s')}"
)

Found = dict[bytes, str]
"""Leaf → assurance, of those that are active."""


class Answer(NamedTuple):
    """The block that it rests on, and which of the leaves are active."""

    freshness: Freshness
    active: Found


class _Question(NamedTuple):
    leaves: Sequence[bytes]
    answer: asyncio.Future[Answer | None]


class QuickGate:
    """Asks for everybody with the same key at once; each waits for at most one query before."""

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
        self._waiting: dict[bytes, list[_Question]] = {}
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
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

    async def ask(self, key_hash: bytes, leaves: Sequence[bytes]) -> Answer | None:
        """Which of the leaves are active for the organisation of an API key. None if the index is
        too old."""
        question = _Question(leaves, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(key_hash, []).append(question)
        if key_hash not in self._tasks:
            self._tasks[key_hash] = asyncio.create_task(self._serve(key_hash))
        return await question.answer

    async def _serve(self, key_hash: bytes) -> None:
        """Query after query, as long as somebody waits."""
        try:
            while self._waiting.get(key_hash):
                asked = self._take(key_hash)
                try:
                    answer = await self._query(
                        key_hash, [leaf for question in asked for leaf in question.leaves]
                    )
                except Exception as error:
                    for question in asked:
                        if not question.answer.done():
                            question.answer.set_exception(error)
                else:
                    for question in asked:
                        if not question.answer.done():
                            question.answer.set_result(answer)
        finally:
            self._waiting.pop(key_hash, None)
            del self._tasks[key_hash]

    def _take(self, key_hash: bytes) -> list[_Question]:
        waiting, count, size = self._waiting[key_hash], 0, 0
        while count < len(waiting) and (count == 0 or size < LEAVES_PER_QUERY_MAX):
            size += len(waiting[count].leaves)
            count += 1
        self._waiting[key_hash] = waiting[count:]
        return waiting[:count]

    async def _query(self, key_hash: bytes, leaves: Sequence[bytes]) -> Answer | None:
        async with self._pool.connection() as connection:
            async with connection.pipeline():
                await connection.execute(_ENTER, {"key": key_hash})
                freshness = await connection.execute(FRESHNESS_SQL, binary=True)
            row = await freshness.fetchone()
            judged = None if row is None else self._judge(freshness_of(row))
            if judged is None:
                return None
            asked = {"leaves": leaves, "now": judged.now}
            rows = await (await connection.execute(_ACTIVE, asked, binary=True)).fetchall()
        active: Found = {}
        permitted: dict[tuple[AgreementId, OrganisationId], bool] = {}
        for leaf, assurance, agreement_id, issuer in rows:
            pair = (agreement_id, issuer)
            if pair not in permitted:
                permitted[pair] = await self._permits(judged, *pair)
            if permitted[pair]:
                active[leaf] = assurance
        return Answer(judged, active)

    async def _permits(
        self, freshness: Freshness, agreement_id: AgreementId, issuer: OrganisationId
    ) -> bool:
        """Whether the agreement is active now with the issuer among its parties."""
        remembered = self._gate.remembered(freshness)
        if agreement_id not in remembered:
            async with self._database.connect() as connection:
                facts = await query(connection, find_agreement_facts, agreement_id)
            remembered[agreement_id] = facts
        facts = remembered[agreement_id]
        return (
            facts is not None
            and issuer in facts.parties
            and status_at(facts, UnixSeconds(freshness.now)) is AgreementStatus.ACTIVE
        )
