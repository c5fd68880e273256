"""Tries an act of the outbox again: one that waits for a later time, or that failed and for which
the reason is gone."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from node.db import lock
from node.outbox import ActRow, erased_meanwhile, list_acts, retry_locks, standing_in_place
from node.problems import Problem, not_found
from protocol.types import to_hex

RETRY = text("SELECT node.retry_act(:act_id)")


async def find_own_act(connection: AsyncConnection, act_id: int) -> ActRow:
    """One of the current organisation's; raises a problem where there is none."""
    rows = await list_acts(connection, None, act_id + 1, 1)
    if not rows or rows[0].outbox_id != act_id:
        raise not_found("act", str(act_id), "GET /v1/outbox lists those of your organisation.")
    return rows[0]


async def retry_act(connection: AsyncConnection, act_id: int) -> ActRow:
    """The act as it waits again. Raises a problem for one that is on its way or done, for one that
    was promised anew meanwhile, and for a consent whose record is erased."""
    row = await find_own_act(connection, act_id)
    await lock(connection, *retry_locks(row))
    standing = (await connection.execute(standing_in_place(act_id))).one_or_none()
    if standing is not None:
        detail = f"The same was promised anew as act {standing.outbox_id}: {standing.state}."
        raise Problem.of("act-not-retried", detail, "There is nothing to do.")
    if (await connection.execute(erased_meanwhile(act_id))).one_or_none() is not None:
        detail = f"The record of the consent {to_hex(row.subject)} is erased."
        raise Problem.of("act-not-retried", detail, "Ask the learner for a new consent.")
    if not await connection.scalar(RETRY, {"act_id": act_id}):
        row = await find_own_act(connection, act_id)
        raise Problem.of("act-not-retried", f"Act {act_id} is {row.state}.")
    return await find_own_act(connection, act_id)
