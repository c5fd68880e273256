"""Vouchers that an organisation holds here: the node's own records, which rest on no block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.problems import Problem
from protocol.types import AgreementId, OrganisationId, Period, Units, to_hex


async def list_vouchers(
    connection: AsyncConnection, agreement: bytes | None, after: bytes | None, limit: int
) -> Sequence[Row[Any]]:
    """Those of the current organisation, the one kept last first, whatever month it is of: of one
    agreement or all, those after the one with a digest. Raises a problem for a digest that it does
    not hold."""
    vouchers = tables.vouchers
    place = (vouchers.c.created_at, vouchers.c.digest)
    statement = select(vouchers).order_by(*(column.desc() for column in place)).limit(limit)
    if agreement is not None:
        statement = statement.where(vouchers.c.agreement_id == agreement)
    if after is not None:
        begin = (await connection.execute(select(*place).where(place[-1] == after))).first()
        if begin is None:
            raise Problem.of(
                "request-invalid",
                f"Your organisation holds no voucher {to_hex(after)}.",
                "Send `next` of the page before, or begin anew without it.",
            ).about("after")
        statement = statement.where(tuple_(*place) < tuple_(*begin))
    return (await connection.execute(statement)).all()


async def find_voucher(connection: AsyncConnection, digest: bytes) -> Row[Any] | None:
    """The one of the current organisation with a digest."""
    vouchers = tables.vouchers
    statement = select(vouchers).where(vouchers.c.digest == digest)
    return (await connection.execute(statement)).one_or_none()


async def signed_units(
    connection: AsyncConnection,
) -> dict[tuple[AgreementId, OrganisationId, Period], Units]:
    """What the newest voucher of each agreement, consumer and period that the current organisation
    holds is over."""
    vouchers = tables.vouchers
    key = (vouchers.c.agreement_id, vouchers.c.consumer, vouchers.c.period)
    rows = await connection.execute(select(*key, func.max(vouchers.c.units)).group_by(*key))
    return {
        (AgreementId(agreement), OrganisationId(consumer), Period(period)): Units(int(units))
        for agreement, consumer, period, units in rows
    }
