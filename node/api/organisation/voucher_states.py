"""Vouchers with what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.freshness import Freshness
from node.commands.list_vouchers import list_vouchers
from node.commands.settle_usage import SettlementState, find_settlement
from protocol.types import AgreementId, Hash32, OrganisationId, Period, Units


@dataclass(frozen=True, slots=True)
class VoucherSeen:
    """A voucher that the organisation holds; `settlement` None while nobody has brought it, or one
    over as many units, to the chain, nor was asked to."""

    digest: Hash32
    agreement_id: AgreementId
    consumer: OrganisationId
    period: Period
    units: Units
    settlement: SettlementState | None

    @property
    def state(self) -> str:
        """In one word."""
        return "held" if self.settlement is None else self.settlement.state

    @property
    def may_be_settled(self) -> bool:
        """Whether asking for its settlement could bring anything."""
        return self.settlement is None or self.settlement.state in ("failed", "expired")


async def newest_vouchers(
    connection: AsyncConnection,
    freshness: Freshness,
    finality_blocks: int,
    after: bytes | None,
    limit: int,
) -> tuple[Sequence[VoucherSeen], Hash32 | None]:
    """Those of the current organisation, and the place of the next page."""
    rows = await list_vouchers(connection, None, after, limit + 1)
    final_block = freshness.block.block_number - finality_blocks
    seen = [await see_voucher(connection, row, final_block) for row in rows[:limit]]
    return seen, rows[limit - 1].digest if len(rows) > limit else None


async def see_voucher(connection: AsyncConnection, row: Row[Any], final_block: int) -> VoucherSeen:
    """One voucher; `final_block` is the last one that nothing takes back."""
    return VoucherSeen(
        row.digest,
        row.agreement_id,
        row.consumer,
        row.period,
        Units(int(row.units)),
        await find_settlement(connection, row.digest, final_block),
    )
