"""Whether a signed voucher could be settled now: the contract's rules, asked of the index.

Each rule that it breaks is the contract's own error, found before a transaction is spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.agreements import AgreementRow, find_agreement
from indexer.queries.books import balance
from indexer.queries.participants import find_participant
from indexer.queries.rates import rates_in_force
from indexer.queries.settlements import settled_units
from node.contracts import Deployment
from node.db import query
from node.problems import not_found, refused
from protocol.agreement import AgreementState, PriceLine, Terms
from protocol.commission import LineAmount, settle, total_gross
from protocol.errors import (
    AgreementNeverActive,
    ConsumerIsPayee,
    ConsumerNotParty,
    DepositTooSmall,
    PeriodNotBegun,
    PeriodOutsideValidity,
    UnknownCategory,
    UpToAboveVoucher,
    VoucherNotNewer,
    VoucherSignatureInvalid,
)
from protocol.periods import lies_within, period_start
from protocol.postings import deposit_of
from protocol.signatures import is_signed_by
from protocol.signing import Voucher, voucher_digest
from protocol.types import AccountAddress, Hash32, Period, RateBps, Scope, Units, to_hex


@dataclass(frozen=True, slots=True)
class SettleableVoucher:
    """A voucher that the contract would settle now, and what it would bring."""

    digest: Hash32
    agreement: AgreementRow
    from_units: Units
    to_units: Units
    amounts: Sequence[LineAmount]


async def check_voucher(
    connection: AsyncConnection,
    deployment: Deployment,
    voucher: Voucher,
    up_to: Units,
    signer: AccountAddress,
    signature: bytes,
    now: int,
) -> SettleableVoucher:
    """Raises the contract's error, naming the field of the request."""
    agreement = await query(connection, find_agreement, voucher.agreement_id)
    if agreement is None:
        remedy = "Name a concluded agreement."
        raise not_found("agreement", to_hex(voucher.agreement_id), remedy).about(
            "voucher.agreementId"
        )
    settled = await query(
        connection, settled_units, voucher.agreement_id, voucher.consumer, voucher.period
    )
    _check_units(voucher, up_to, settled)
    _check_parties(agreement, voucher)
    _check_period(agreement.terms, voucher.period, now)
    digest = voucher_digest(
        voucher, deployment.chain_id, deployment.address_bytes("UsageSettlement")
    )
    if not is_signed_by(signer, digest, signature) or not await _speaks(
        connection, voucher, signer
    ):
        error_signature = VoucherSignatureInvalid(consumer=voucher.consumer, signer=signer)
        raise refused(error_signature, "signature")
    rates = await _rates(connection, agreement.terms.lines, voucher)
    amounts = settle(agreement.terms.lines, rates, settled, up_to)
    needed = total_gross(amounts)
    deposit = await query(connection, balance, deposit_of(voucher.agreement_id, voucher.consumer))
    if needed > deposit:
        raise refused(DepositTooSmall(deposit=deposit, needed=needed), "voucher.units")
    return SettleableVoucher(digest, agreement, settled, up_to, amounts)


def _check_units(voucher: Voucher, up_to: Units, settled: Units) -> None:
    if up_to <= settled:
        at = "voucher.units" if up_to == voucher.units else "upTo"
        raise refused(VoucherNotNewer(units=up_to, settled_units=settled), at)
    if up_to > voucher.units:
        raise refused(UpToAboveVoucher(up_to=up_to, units=voucher.units), "upTo")


def _check_parties(agreement: AgreementRow, voucher: Voucher) -> None:
    if not any(state is AgreementState.ACTIVE for _, state in agreement.facts.history):
        never_active = AgreementNeverActive(agreement_id=voucher.agreement_id)
        raise refused(never_active, "voucher.agreementId")
    if voucher.consumer not in agreement.terms.parties:
        error = ConsumerNotParty(agreement_id=voucher.agreement_id, organisation=voucher.consumer)
        raise refused(error, "voucher.consumer")
    if any(line.payee == voucher.consumer for line in agreement.terms.lines):
        raise refused(ConsumerIsPayee(consumer=voucher.consumer), "voucher.consumer")


def _check_period(terms: Terms, period: Period, now: int) -> None:
    if now < period_start(period):
        not_begun = PeriodNotBegun(period=period, starts_at=period_start(period))
        raise refused(not_begun, "voucher.period")
    if not lies_within(period, terms.valid_from, terms.valid_until):
        outside = PeriodOutsideValidity(
            period=period, valid_from=terms.valid_from, valid_until=terms.valid_until
        )
        raise refused(outside, "voucher.period")


async def _speaks(connection: AsyncConnection, voucher: Voucher, signer: AccountAddress) -> bool:
    """Whether the signer is an account of the consumer with the scope voucher.

    For how long a retired key still signs, the contract decides.
    """
    participant = await query(connection, find_participant, voucher.consumer)
    return any(
        account.account == signer and Scope.VOUCHER in account.scopes
        for account in (participant.accounts if participant else ())
    )


async def _rates(
    connection: AsyncConnection, lines: Sequence[PriceLine], voucher: Voucher
) -> list[RateBps]:
    in_force = await query(connection, rates_in_force, voucher.period)
    for line in lines:
        if line.category not in in_force:
            error = UnknownCategory(category=line.category, period=voucher.period)
            raise refused(error, "voucher.period")
    return [in_force[line.category] for line in lines]
