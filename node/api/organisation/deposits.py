"""What each page about one deposit shows of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.freshness import Freshness
from node.api.context import Context, require_fresh
from node.commands.name_agreements import name_agreements
from node.commands.prepare_calls import require_agreement
from node.commands.show_money import read_money
from protocol.types import AgreementId, OrganisationId


async def read_deposit(
    context: Context, connection: AsyncConnection, own: OrganisationId, agreement: AgreementId
) -> tuple[Freshness, dict[str, Any]]:
    """Of the current organisation under an agreement: what is in it and due, and the tokens that
    could go there. Raises a problem for an agreement that nobody proposed."""
    freshness = await require_fresh(context, connection)
    await require_agreement(connection, agreement)
    money = await read_money(connection, own, freshness.block.block_number)
    key = (agreement, own)
    found = [each for each in money.deposits if (each.agreement_id, each.consumer) == key]
    return freshness, {
        "agreement_id": agreement,
        "agreement_names": await name_agreements(connection, own, [agreement]),
        "deposit": found[0] if found else None,
        "holdings": money.holdings,
    }
