"""What an organisation has on its way: acts to the chain, records to other nodes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables

OPEN_STATES = ("waiting", "sent")


async def count_open_acts(connection: AsyncConnection) -> int:
    """Acts of the current organisation that are in no block yet."""
    outbox = tables.outbox
    statement = select(func.count()).where(outbox.c.state.in_(OPEN_STATES))
    return (await connection.execute(statement)).scalar_one()


async def count_undelivered(
    connection: AsyncConnection, organisation_id: bytes
) -> Mapping[str, int]:
    """Records and erasures of the organisation that wait for another node, or that it refused, by
    state."""
    deliveries = tables.deliveries
    statement = (
        select(deliveries.c.state, func.count())
        .where(deliveries.c.organisation_id == organisation_id)
        .where(deliveries.c.state.in_(("waiting", "refused")))
        .group_by(deliveries.c.state)
    )
    return dict((await connection.execute(statement)).tuples().all())
