"""Keeps a signed voucher for who holds it and for each party that this node hosts."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.commands.check_voucher import SettleableVoucher
from node.commands.record_uses import count_uses, usage_root
from node.db import act_as
from node.problems import Problem
from protocol.signing import Voucher
from protocol.types import AccountAddress, OrganisationId, to_hex


async def store_voucher(
    connection: AsyncConnection,
    caller: OrganisationId,
    voucher: Voucher,
    signer: AccountAddress,
    signature: bytes,
    checked: SettleableVoucher,
) -> None:
    """Raises a problem unless the caller is the consumer and recorded these very uses here."""
    if voucher.consumer != caller:
        raise _wrong(
            "consumer",
            f"The voucher's consumer is {to_hex(voucher.consumer)}, the caller {to_hex(caller)}.",
            "A consumer stores its own vouchers; a payee sends them to /v1/settlements.",
        )
    recorded = await count_uses(connection, voucher.agreement_id, voucher.period)
    if voucher.units > recorded:
        raise _wrong(
            "units",
            f"The voucher is over {voucher.units} uses, {recorded} are recorded here.",
            "Sign the voucher that POST /v1/usages answered.",
        )
    root = await usage_root(connection, voucher.agreement_id, voucher.period, voucher.units)
    if root != voucher.usage_root:
        raise _wrong(
            "usageRoot",
            f"The root over the first {voucher.units} uses recorded here is {to_hex(root)}.",
            "Sign the voucher that POST /v1/usages answered.",
        )
    await keep_voucher(connection, caller, voucher, signer, signature, checked)


async def keep_voucher(
    connection: AsyncConnection,
    caller: OrganisationId,
    voucher: Voucher,
    signer: AccountAddress,
    signature: bytes,
    checked: SettleableVoucher,
) -> None:
    """Gives the caller, who holds the voucher, and each party that this node hosts a row of its
    own; who has one may ask what became of the voucher."""
    row = {
        "digest": checked.digest,
        "agreement_id": voucher.agreement_id,
        "consumer": voucher.consumer,
        "period": voucher.period,
        "units": voucher.units,
        "usage_root": voucher.usage_root,
        "signer": signer,
        "signature": signature,
    }
    is_hosted = text("SELECT node.is_hosted(:organisation)")
    for holder in sorted({caller, *checked.agreement.terms.parties}):
        hosted = await connection.execute(is_hosted, {"organisation": holder})
        if holder == caller or hosted.scalar_one():
            await act_as(connection, holder)
            await connection.execute(
                insert(tables.vouchers)
                .values(organisation_id=holder, **row)
                .on_conflict_do_nothing()
            )
    await act_as(connection, caller)


def _wrong(field: str, detail: str, remedy: str) -> Problem:
    return Problem.of("voucher-refused", detail, remedy).about(f"voucher.{field}")
