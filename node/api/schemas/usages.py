"""Shapes of uses, vouchers and settlements."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Row

from node.api.schemas.base import Address, AsOf, Hash, HexBytes, PeriodLabel, Shape, Uint64
from node.commands.settle_usage import SettlementState
from node.commands.show_uses import LineOfUse, MonthOfUse
from protocol.commission import net
from protocol.periods import parse_period, period_label
from protocol.signing import Voucher
from protocol.types import AgreementId, Hash32, OrganisationId, Period, Units

USES_MAX = 10_000


class RecordUses(Shape):
    """Uses of data under one agreement, now; each names the consent that allows it."""

    agreement_id: Hash
    consents: Annotated[list[Hash], Field(min_length=1, max_length=USES_MAX)]


class VoucherShape(Shape):
    """The consumer's word: cumulative units of a period, and the root over exactly that many use
    leaves. `period` is the month of use, UTC."""

    agreement_id: Hash
    consumer: Address
    period: PeriodLabel
    units: Uint64
    usage_root: Hash

    def to_voucher(self) -> Voucher:
        """As the protocol has it."""
        return Voucher(
            agreement_id=AgreementId(self.agreement_id),
            consumer=OrganisationId(self.consumer),
            period=Period(parse_period(self.period)),
            units=Units(self.units),
            usage_root=Hash32(self.usage_root),
        )

    @classmethod
    def of(cls, voucher: Voucher) -> VoucherShape:
        """From the protocol's."""
        return cls(
            agreement_id=voucher.agreement_id,
            consumer=voucher.consumer,
            period=period_label(voucher.period),
            units=voucher.units,
            usage_root=voucher.usage_root,
        )


class RecordedUses(Shape):
    """The period's count so far, and the voucher over it that the consumer's account may sign."""

    recorded: int
    voucher: VoucherShape
    typed_data: dict[str, Any]


class LineOfUses(Shape):
    """What one price line asks for the units of a month: gross = net + commission, which is rounded
    down."""

    payee: Address
    category: int
    rate_bps: int
    unit_price_minor: int
    free_units: int
    free_units_used: int
    gross_minor: int
    commission_minor: int
    net_minor: int

    @classmethod
    def of(cls, asked: LineOfUse) -> LineOfUses:
        """From what was counted."""
        return cls(
            payee=asked.line.payee,
            category=asked.line.category,
            rate_bps=asked.rate_bps,
            unit_price_minor=asked.line.unit_price,
            free_units=asked.line.free_units,
            free_units_used=asked.free_units_used,
            gross_minor=asked.amount.gross,
            commission_minor=asked.amount.commission_rounded_down,
            net_minor=net(asked.amount),
        )


class UsesOfMonth(Shape):
    """What the caller's organisation has recorded under an agreement in a month of use, UTC, and
    what that costs; `settledUnits` of it are settled on chain."""

    agreement_id: Hash
    period: str
    units: int
    settled_units: int
    lines: list[LineOfUses]
    gross_minor: int
    commission_minor: int

    @classmethod
    def of(cls, month: MonthOfUse) -> UsesOfMonth:
        """From what was counted."""
        return cls(
            agreement_id=month.agreement_id,
            period=period_label(month.period),
            units=month.units,
            settled_units=month.settled_units,
            lines=[LineOfUses.of(each) for each in month.lines],
            gross_minor=month.gross_minor,
            commission_minor=month.commission_minor,
        )


class UsesByMonth(Shape):
    """Twelve months of use, the newest first; `next` is the value of `until` for those before."""

    as_of: AsOf
    items: list[UsesOfMonth]
    next: str | None


class MonthToSign(Shape):
    """A month of use, and the voucher over it that an account of the consumer may sign; none where
    nothing was recorded."""

    as_of: AsOf
    uses: UsesOfMonth
    voucher: VoucherShape | None
    typed_data: dict[str, Any] | None


class SignedVoucher(Shape):
    """`signer` is an account of the consumer with the scope voucher."""

    voucher: VoucherShape
    signer: Address
    signature: HexBytes


class HeldVoucher(SignedVoucher):
    """A voucher that the caller's organisation holds; `settlementId` asks what became of it."""

    settlement_id: Hash

    @classmethod
    def of(cls, row: Row[Any]) -> HeldVoucher:
        """From a row of `node.vouchers`."""
        return cls(
            voucher=VoucherShape(
                agreement_id=row.agreement_id,
                consumer=row.consumer,
                period=period_label(row.period),
                units=int(row.units),
                usage_root=row.usage_root,
            ),
            signer=row.signer,
            signature=row.signature,
            settlement_id=row.digest,
        )


class Vouchers(Shape):
    """The newest first; `next` asks for older ones."""

    items: list[HeldVoucher]
    next: Hash | None


class StoredVoucher(Shape):
    """A voucher that both sides hold on this node."""

    voucher: VoucherShape
    signer: Address
    signature: HexBytes
    gross_minor: int
    commission_minor: int


class SettleVoucher(Shape):
    """Settles a voucher up to `upTo` units (all, unless given)."""

    voucher: VoucherShape
    signer: Address
    signature: HexBytes
    up_to: Uint64 | None = None


class SettlementLineAmount(Shape):
    """What one price line brings."""

    payee: Address
    category: int
    gross_minor: int
    commission_minor: int
    net_minor: int


class QueuedSettlement(Shape):
    """The settlement waits to be brought to the chain; `settlementId` is the voucher's digest."""

    settlement_id: Hash
    state: str
    from_units: int
    to_units: int
    lines: list[SettlementLineAmount]


class Settlement(Shape):
    """Where a voucher that the caller's organisation holds stands. `state` is `mined` or `final` as
    soon as the chain has settled the units asked for, whoever sent them; before, `waiting`, `sent`
    or `failed`. `settledUnits` are those of the voucher's period on chain."""

    as_of: AsOf
    settlement_id: Hash
    state: str
    units: int
    settled_units: int
    transaction_hash: Hash | None
    block_number: int | None
    gas_used: int | None
    failure: dict[str, Any] | None

    @classmethod
    def of(cls, settlement_id: bytes, found: SettlementState, as_of: AsOf) -> Settlement:
        """From the index and the outbox."""
        return cls(
            as_of=as_of,
            settlement_id=settlement_id,
            state=found.state,
            units=found.units,
            settled_units=found.settled_units,
            transaction_hash=found.transaction_hash,
            block_number=found.block_number,
            gas_used=found.gas_used,
            failure=found.failure,
        )
