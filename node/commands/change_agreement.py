"""Promises to suspend, resume or terminate an agreement in the name of one of its parties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import AgreementRow, find_agreement
from indexer.queries.freshness import Freshness
from indexer.queries.history import Fact, history_of_agreement
from node import tables
from node.commands.authority import require_operator_speaks
from node.db import lock, query
from node.outbox import IN_VAIN, Promise, enqueue, find_act, lock_name
from node.problems import Problem, not_found, refused
from protocol import lifecycle
from protocol.errors import ContractError
from protocol.events import AgreementResumed, AgreementSuspended
from protocol.lifecycle import Lifecycle
from protocol.terms_json import terms_from_json
from protocol.types import AgreementId, Hash32, OrganisationId, Scope, to_hex

Change = Literal["suspend", "resume", "terminate"]
RULES: Mapping[Change, Callable[[Lifecycle, OrganisationId], Lifecycle]] = {
    "suspend": lifecycle.suspend,
    "resume": lifecycle.resume,
    "terminate": lifecycle.terminate,
}


async def change_agreement(
    connection: AsyncConnection,
    operator: OrganisationId,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    change: Change,
    reason_hash: Hash32,
    freshness: Freshness,
) -> None:
    """Raises the errors that the contract would, a problem for who is no party, and one while
    another change by the organisation is on its way: what follows from it is known afterwards.

    The proposal may still wait in this node's outbox: the sender keeps the order.
    """
    await lock(connection, lock_name("change", agreement_id))
    life = await read_lifecycle(connection, agreement_id)
    if life is None or organisation not in life.parties:
        remedy = "Only a party changes an agreement: GET /v1/agreements/{agreementId} shows them."
        raise not_found("agreement", to_hex(agreement_id), remedy).about("agreement_id")
    await _require_none_under_way(connection, organisation, agreement_id, freshness)
    try:
        RULES[change](life, organisation)
    except ContractError as error:
        raise refused(error, "agreement_id") from error
    await require_operator_speaks(connection, operator, organisation, Scope.AGREE, freshness.now)
    payload = {"organisation": to_hex(organisation)}
    if change != "resume":
        payload["reasonHash"] = to_hex(reason_hash)
    await enqueue(connection, change, [Promise(agreement_id, payload)], organisation)


async def read_lifecycle(
    connection: AsyncConnection, agreement_id: AgreementId
) -> Lifecycle | None:
    """Where the parties' acts have brought it on the chain; a proposal that waits in this node's
    outbox is proposed. None if there is neither."""
    known = await query(connection, find_agreement, agreement_id)
    if known is not None:
        facts = await query(connection, history_of_agreement, agreement_id)
        return _lifecycle_of(known, facts)
    promised = await find_act(connection, "propose", agreement_id)
    if promised is None or promised.state in IN_VAIN:
        return None
    return lifecycle.propose(agreement_id, terms_from_json(promised.payload["terms"]))


def open_changes(life: Lifecycle, organisation: OrganisationId) -> list[Change]:
    """What the organisation may do now."""
    return [change for change in RULES if _is_open(life, organisation, change)]


def _is_open(life: Lifecycle, organisation: OrganisationId, change: Change) -> bool:
    try:
        RULES[change](life, organisation)
    except ContractError:
        return False
    return True


def _lifecycle_of(row: AgreementRow, facts: list[Fact]) -> Lifecycle:
    suspended_by: set[OrganisationId] = set()
    for fact in facts:
        if fact.by is not None and fact.event == AgreementSuspended.__name__:
            suspended_by.add(OrganisationId(fact.by))
        elif fact.by is not None and fact.event == AgreementResumed.__name__:
            suspended_by.discard(OrganisationId(fact.by))
    return Lifecycle(
        agreement_id=row.agreement_id,
        parties=row.terms.parties,
        valid_from=row.terms.valid_from,
        valid_until=row.terms.valid_until,
        state=row.facts.history[-1][1],
        signed_by=frozenset(signed.organisation for signed in row.signatures),
        suspended_by=frozenset(suspended_by),
    )


async def _require_none_under_way(
    connection: AsyncConnection,
    organisation: OrganisationId,
    agreement_id: AgreementId,
    freshness: Freshness,
) -> None:
    acts, transactions = tables.outbox, tables.transactions
    statement = (
        select(acts.c.kind)
        .outerjoin(transactions, acts.c.transaction_id == transactions.c.transaction_id)
        .where(acts.c.subject == agreement_id, acts.c.kind.in_(get_args(Change)))
        .where(acts.c.organisation_id == organisation)
        .where(
            or_(
                acts.c.state.in_(("waiting", "sent")),
                transactions.c.block_number > freshness.block.block_number,
            )
        )
        .limit(1)
    )
    under_way = (await connection.execute(statement)).scalar_one_or_none()
    if under_way is not None:
        detail = f"To {under_way} {to_hex(agreement_id)} is promised already, and not known yet."
        raise Problem.of("change-queued", detail)
