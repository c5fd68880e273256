"""What an organisation has on its way: acts to the chain, records to other nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables

OPEN_STATES = ("waiting", "sent")
IN_BLOCK = "mined"


class ActsOnTheirWay(NamedTuple):
    """Acts that are in no block yet, and acts that are in one which is not final."""

    open: int
    in_block: int


async def count_acts(connection: AsyncConnection) -> ActsOnTheirWay:
    """Those of the current organisation."""
    state = tables.outbox.c.state
    statement = select(
        func.count().filter(state.in_(OPEN_STATES)), func.count().filter(state == IN_BLOCK)
    ).where(state.in_((*OPEN_STATES, IN_BLOCK)))
    return ActsOnTheirWay(*(await connection.execute(statement)).one())


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
