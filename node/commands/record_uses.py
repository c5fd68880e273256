"""Records uses of data, each behind an active consent, and makes the voucher over them.

A use leaf is SHA-256(0x00 ‖ consentLeaf(32) ‖ time(8) ‖ random(32)); the usage root is the RFC 9162
tree over all of a period's leaves in the order of recording, so later roots extend earlier ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import find_agreement
from indexer.queries.freshness import Freshness
from node import tables
from node.commands.gate import QUEUED, Gate, find_consents
from node.db import lock, query
from node.problems import Problem, not_found, refused
from protocol.errors import ConsumerIsPayee, NotParty
from protocol.growing_tree import GrowingTree, ends_of_subtrees
from protocol.merkle import leaf_hash
from protocol.periods import period_of
from protocol.signing import Voucher
from protocol.types import (
    AgreementId,
    Hash32,
    Leaf,
    OrganisationId,
    Period,
    Units,
    UnixSeconds,
    to_hex,
)

RANDOM_BYTES = 32


def use_leaf(consent_leaf: bytes, used_at: int, random: bytes) -> Leaf:
    """The leaf of one use, 32 bytes."""
    return leaf_hash(consent_leaf + used_at.to_bytes(8, "big") + random)


async def record_uses(
    connection: AsyncConnection,
    consumer: OrganisationId,
    agreement_id: AgreementId,
    consent_leaves: Sequence[bytes],
    gate: Gate,
    freshness: Freshness,
) -> Voucher:
    """The voucher over the period so far. Raises a problem if one consent is not active; then
    nothing is recorded."""
    agreement = await query(connection, find_agreement, agreement_id)
    if agreement is None:
        problem = not_found("agreement", to_hex(agreement_id), "Name a concluded agreement.")
        raise problem.about("agreementId")
    if consumer not in agreement.terms.parties:
        raise refused(NotParty(agreement_id=agreement_id, organisation=consumer), "agreementId")
    if any(line.payee == consumer for line in agreement.terms.lines):
        raise refused(ConsumerIsPayee(consumer=consumer), "agreementId")
    await _require_active(connection, gate, agreement_id, consent_leaves, freshness)
    period = period_of(UnixSeconds(freshness.now))
    # Positions have no gap: one writer a consumer, agreement and period.
    await lock(connection, f"uses:{consumer.hex()}:{agreement_id.hex()}:{period}")
    position = await count_uses(connection, agreement_id, period)
    tree = await _tree_of(connection, agreement_id, period, position)
    rows = []
    for place, leaf in enumerate(consent_leaves, position):
        random = secrets.token_bytes(RANDOM_BYTES)
        rows.append(
            {
                "organisation_id": consumer,
                "agreement_id": agreement_id,
                "period": period,
                "position": place,
                "consent_leaf": leaf,
                "used_at": freshness.now,
                "random": random,
                "subtree": tree.append(use_leaf(leaf, freshness.now, random)),
            }
        )
    await connection.execute(insert(tables.uses), rows)
    units = Units(position + len(rows))
    return Voucher(agreement_id, consumer, period, units, Hash32(tree.root))


async def usage_root(
    connection: AsyncConnection, agreement_id: AgreementId, period: Period, units: Units
) -> Hash32:
    """Root over the first `units` uses that the caller recorded in a period; there are as many."""
    return Hash32((await _tree_of(connection, agreement_id, period, units)).root)


async def _tree_of(
    connection: AsyncConnection, agreement_id: AgreementId, period: Period, size: int
) -> GrowingTree:
    """Over the first uses of a period, from a few of their rows however many there are."""
    uses = tables.uses
    statement = (
        select(uses.c.subtree)
        .where(
            uses.c.agreement_id == agreement_id,
            uses.c.period == period,
            uses.c.position.in_(ends_of_subtrees(size)),
        )
        .order_by(uses.c.position)
    )
    return GrowingTree(size, (await connection.execute(statement)).scalars().all())


async def _require_active(
    connection: AsyncConnection,
    gate: Gate,
    agreement_id: AgreementId,
    leaves: Sequence[bytes],
    freshness: Freshness,
) -> None:
    known = await find_consents(connection, leaves)
    for index, leaf in enumerate(leaves):
        if leaf not in known:
            problem = not_found("consent", to_hex(leaf), "Use consents whose record you hold.")
            raise problem.about(f"consents.{index}")
    entries = [known[Leaf(leaf)].entry for leaf in leaves]
    answers = await gate.ask(connection, entries, freshness)
    for index, (leaf, entry, answer) in enumerate(zip(leaves, entries, answers, strict=True)):
        foreign = entry.agreement_id != agreement_id
        if foreign or not answer.is_active:
            state = "of another agreement" if foreign else answer.state
            detail = f"The consent {to_hex(leaf)} is {state}."
            remedy = (
                "Wait until it is anchored, and ask again."
                if state == QUEUED
                else "Do not use the data; ask the learner for a new consent."
            )
            raise Problem.of("consent-not-active", detail, remedy).about(f"consents.{index}")


async def count_uses(connection: AsyncConnection, agreement_id: bytes, period: int) -> int:
    """How many uses the caller recorded in a period: their positions have no gap."""
    uses = tables.uses
    statement = select(func.max(uses.c.position)).where(
        uses.c.agreement_id == agreement_id, uses.c.period == period
    )
    last = (await connection.execute(statement)).scalar_one()
    return 0 if last is None else int(last) + 1
