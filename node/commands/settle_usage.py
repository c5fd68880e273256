"""Promises to bring a voucher's settlement to the chain."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from node.commands.check_voucher import SettleableVoucher
from node.outbox import enqueue, find_act
from node.problems import Problem
from protocol.signing import Voucher
from protocol.terms_json import terms_to_json
from protocol.types import AccountAddress, OrganisationId, to_hex


async def settle_usage(
    connection: AsyncConnection,
    caller: OrganisationId,
    voucher: Voucher,
    signer: AccountAddress,
    signature: bytes,
    checked: SettleableVoucher,
) -> None:
    """Raises a problem while the same voucher is on its way already, or mined and not indexed."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    await connection.execute(lock, {"name": f"settle:{checked.digest.hex()}"})
    promised = await find_act(connection, "settle", checked.digest)
    if promised is not None and (
        promised.state in ("waiting", "sent")
        or (promised.state != "failed" and promised.payload["upTo"] >= checked.to_units)
    ):
        raise Problem(
            409,
            "settlement-queued",
            "The voucher is being settled",
            f"The settlement {to_hex(checked.digest)} is {promised.state}.",
            "Wait for it: GET /v1/settlements/{settlementId}.",
        )
    payload = {
        "terms": terms_to_json(checked.agreement.terms),
        "voucher": {
            "agreementId": to_hex(voucher.agreement_id),
            "consumer": to_hex(voucher.consumer),
            "period": voucher.period,
            "units": voucher.units,
            "usageRoot": to_hex(voucher.usage_root),
        },
        "upTo": checked.to_units,
        "signer": to_hex(signer),
        "signature": to_hex(signature),
    }
    await enqueue(connection, "settle", [(checked.digest, payload)], caller)
