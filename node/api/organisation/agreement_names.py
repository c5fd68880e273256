"""What agreements are called on the pages, and those that a form lets choose among."""

from __future__ import annotations

from typing import NamedTuple

from indexer.queries.agreements import newest_agreement_ids_of
from node.api.context import Context
from node.api.principal import Principal
from node.commands.name_agreements import name_agreements
from node.db import act_as, query
from protocol.types import OrganisationId

AGREEMENTS_MAX = 500


class NamedAgreement(NamedTuple):
    """An agreement, and what it is called."""

    agreement_id: bytes
    name: str


async def agreements_of(context: Context, visitor: Principal) -> list[NamedAgreement]:
    """Those that the visitor's organisation is a party of, the newest first, at most so many."""
    organisation = OrganisationId(visitor.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, organisation)
        ids = await query(connection, newest_agreement_ids_of, organisation, None, AGREEMENTS_MAX)
        names = await name_agreements(connection, organisation, ids)
    return [NamedAgreement(each, names[each]) for each in ids]


async def name_of(context: Context, visitor: Principal, agreement_id: bytes) -> str:
    """What one of them is called."""
    organisation = OrganisationId(visitor.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, organisation)
        names = await name_agreements(connection, organisation, [agreement_id])
    return names[agreement_id]
