"""What agreements are called on the pages, and those that a form lets choose among."""

from __future__ import annotations

from collections.abc import Collection
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


async def names_of(
    context: Context, visitor: Principal, agreement_ids: Collection[bytes]
) -> dict[bytes, str]:
    """What each of these is called."""
    organisation = OrganisationId(visitor.organisation_id)
    async with context.database.begin() as connection:
        await act_as(connection, organisation)
        return await name_agreements(connection, organisation, agreement_ids)


async def name_of(context: Context, visitor: Principal, agreement_id: bytes) -> str:
    """What one of them is called."""
    return (await names_of(context, visitor, [agreement_id]))[agreement_id]
