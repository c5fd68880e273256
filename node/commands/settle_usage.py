"""Promises to bring a voucher's settlement to the chain, once, whoever of its holders asks.

Where it stands is what the chain says, and only before that what this node has promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.settlements import find_settlement_up_to, settled_units
from node import tables
from node.commands.check_voucher import SettleableVoucher
from node.commands.store_voucher import keep_voucher
from node.db import query
from node.outbox import IN_VAIN, Promise, enqueue, lock_promise
from node.problems import Problem
from protocol.signing import Voucher
from protocol.terms_json import terms_to_json
from protocol.types import AccountAddress, OrganisationId, Units, to_hex

PROMISE = text("SELECT * FROM node.settlement_promise(:digest)")


@dataclass(frozen=True, slots=True)
class SettlementState:
    """`state` is mined or final as soon as the chain has settled the units, whoever sent them;
    before, it is that of this node's promise."""

    state: str
    units: Units
    settled_units: Units
    transaction_hash: bytes | None
    block_number: int | None
    gas_used: int | None
    failure: dict[str, Any] | None


async def settle_usage(
    connection: AsyncConnection,
    caller: OrganisationId,
    voucher: Voucher,
    signer: AccountAddress,
    signature: bytes,
    checked: SettleableVoucher,
) -> None:
    """Joins the promise that another holder of the voucher got for as many units.

    Raises a problem if the caller asked before, or if fewer units are on their way: sent, or mined
    and not indexed.
    """
    await lock_promise(connection, "settle", checked.digest)
    await keep_voucher(connection, caller, voucher, signer, signature, checked)
    promise = (await connection.execute(PROMISE, {"digest": checked.digest})).one_or_none()
    if promise and promise.state not in IN_VAIN and promise.up_to > checked.from_units:
        if promise.is_own or promise.up_to < checked.to_units:
            raise Problem.of(
                "settlement-queued",
                f"The settlement {to_hex(checked.digest)} of {promise.up_to} units is "
                f"{promise.state}.",
                "Wait for it: GET /v1/settlements/{settlementId}.",
            )
        return
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
    new = Promise(checked.digest, payload, order_key=voucher.agreement_id)
    await enqueue(connection, "settle", [new], caller)


async def find_settlement(
    connection: AsyncConnection, digest: bytes, final_block: int
) -> SettlementState | None:
    """Where a voucher that the caller holds stands; None if nobody settled it nor asked for it.

    `final_block` is the last block that nothing takes back.
    """
    vouchers = tables.vouchers
    held = await connection.execute(select(vouchers).where(vouchers.c.digest == digest))
    voucher = held.one_or_none()
    if voucher is None:
        return None
    promise: Any = (await connection.execute(PROMISE, {"digest": digest})).one_or_none()
    target = voucher.units if promise is None else promise.up_to
    place = (voucher.agreement_id, voucher.consumer, voucher.period)
    reached = await query(connection, find_settlement_up_to, *place, target)
    if promise is None and reached is None:
        return None
    units = Units(int(voucher.units))
    settled = await query(connection, settled_units, *place)
    if reached is None:
        return SettlementState(
            state=promise.state,
            units=units,
            settled_units=settled,
            transaction_hash=promise.transaction_hash,
            block_number=promise.block_number,
            gas_used=promise.gas_used,
            failure=promise.failure,
        )
    is_promised = promise is not None and promise.transaction_hash == reached.transaction_hash
    is_final = reached.block_number <= final_block or (is_promised and promise.state == "final")
    return SettlementState(
        state="final" if is_final else "mined",
        units=units,
        settled_units=settled,
        transaction_hash=reached.transaction_hash,
        block_number=reached.block_number,
        gas_used=promise.gas_used if is_promised else None,
        failure=None,
    )
