"""Lists an organisation's agreements by where they stand, the newest first.

Where an agreement stands follows from the chain and the time, and whether it waits for the
organisation's signature from this node's promises, too. So a list of one state reads each and
leaves out the others; it looks at so many and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import (
    AgreementRow,
    find_agreements,
    newest_agreement_ids_of,
    parties_of,
    unsigned_proposals_of,
)
from node import tables
from node.db import query
from node.outbox import IN_VAIN
from protocol.agreement import AgreementStatus, Terms, status_at
from protocol.terms_json import terms_from_json
from protocol.types import AgreementId, OrganisationId, UnixSeconds

TO_SIGN = "to-sign"
"""The state of a proposal that waits for the organisation's own signature."""
STATES = (TO_SIGN, *(each.value for each in AgreementStatus if each is not AgreementStatus.UNKNOWN))
LOOKED_AT_MAX = 2_000
CHUNK = 200
UNDER_WAY_MAX = 50
TO_SIGN_COUNTED_MAX = 100


@dataclass(frozen=True, slots=True)
class ListedAgreement:
    """An agreement on the chain, and one of `STATES`."""

    row: AgreementRow
    state: str


@dataclass(frozen=True, slots=True)
class AgreementsPage:
    """`next` is the agreement to go on after, where there may be more; `looked_at` counts those
    left out, too."""

    agreements: Sequence[ListedAgreement]
    looked_at: int
    next: AgreementId | None


@dataclass(frozen=True, slots=True)
class ProposalUnderWay:
    """A proposal that this node has promised and that is not on the chain yet."""

    agreement_id: AgreementId
    terms: Terms
    promised_at: datetime


async def list_agreements(
    connection: AsyncConnection,
    organisation: OrganisationId,
    now: int,
    limit: int,
    state: str | None = None,
    after: bytes | None = None,
) -> AgreementsPage:
    """Those that the organisation is a party of, at most so many."""
    found: list[ListedAgreement] = []
    looked_at = 0
    chunk = limit if state is None else CHUNK
    while True:
        seen = await _read(connection, organisation, now, chunk + 1, after)
        more, seen = len(seen) > chunk, seen[:chunk]
        for agreement in seen:
            looked_at += 1
            after = agreement.row.agreement_id
            if state is None or agreement.state == state:
                found.append(agreement)
            if len(found) == limit:
                is_last = agreement is seen[-1] and not more
                next_id = None if is_last else agreement.row.agreement_id
                return AgreementsPage(found, looked_at, next_id)
        if not more or looked_at >= LOOKED_AT_MAX:
            return AgreementsPage(found, looked_at, seen[-1].row.agreement_id if more else None)


async def proposals_under_way(
    connection: AsyncConnection, organisation: OrganisationId
) -> list[ProposalUnderWay]:
    """The organisation's own, the newest first."""
    acts = tables.outbox
    statement = (
        select(acts.c.subject, acts.c.payload, acts.c.created_at)
        .where(acts.c.kind == "propose", acts.c.organisation_id == organisation)
        .where(acts.c.state.in_(("waiting", "sent", "mined")))
        .order_by(acts.c.outbox_id.desc())
        .limit(UNDER_WAY_MAX)
    )
    rows = (await connection.execute(statement)).all()
    on_chain = await query(connection, parties_of, [row.subject for row in rows])
    return [
        ProposalUnderWay(
            AgreementId(row.subject), terms_from_json(row.payload["terms"]), row.created_at
        )
        for row in rows
        if row.subject not in on_chain
    ]


async def count_to_sign(connection: AsyncConnection, organisation: OrganisationId, now: int) -> int:
    """How many are in the state TO_SIGN; one more than TO_SIGN_COUNTED_MAX stands for any more."""
    most = TO_SIGN_COUNTED_MAX + 1
    ids = await query(connection, unsigned_proposals_of, organisation, now, most)
    return len(ids) - len(await _signatures_promised(connection, organisation, ids))


async def _read(
    connection: AsyncConnection,
    organisation: OrganisationId,
    now: int,
    limit: int,
    after: bytes | None,
) -> list[ListedAgreement]:
    ids = await query(connection, newest_agreement_ids_of, organisation, after, limit)
    rows = await query(connection, find_agreements, ids)
    promised = await _signatures_promised(connection, organisation, ids)
    listed = []
    for row in rows:
        status = status_at(row.facts, UnixSeconds(now))
        has_signed = row.agreement_id in promised or any(
            signed.organisation == organisation for signed in row.signatures
        )
        awaits = status is AgreementStatus.PROPOSED and not has_signed
        listed.append(ListedAgreement(row, TO_SIGN if awaits else status.value))
    return listed


async def _signatures_promised(
    connection: AsyncConnection, organisation: OrganisationId, agreement_ids: Collection[bytes]
) -> set[bytes]:
    """The agreements for which this node has promised to bring the organisation's signature."""
    acts = tables.outbox
    statement = select(acts.c.subject).where(
        acts.c.kind == "sign",
        acts.c.organisation_id == organisation,
        acts.c.state.not_in(IN_VAIN),
        acts.c.subject.in_(agreement_ids),
    )
    return set((await connection.execute(statement)).scalars())
