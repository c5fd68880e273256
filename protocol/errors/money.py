"""What the token, the settlement and the commission policy refuse.

One class for each custom error of IUsageToken, IUsageSettlement and ICommissionPolicy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.errors.base import ContractError

if TYPE_CHECKING:
    from protocol.types import (
        AccountAddress,
        AgreementId,
        Category,
        OrganisationId,
        Period,
        RateBps,
        Units,
        UnixSeconds,
    )


class CommissionPolicyError(ContractError):
    """The commission policy refuses this."""

    contract = "CommissionPolicy"


@dataclass(eq=False)
class UnknownCategory(CommissionPolicyError):
    """Category {category} has no rate in period {period}."""

    category: Category
    period: Period
    remedy = "Choose a category that has one, or let the members vote a rate."


@dataclass(eq=False)
class RateAboveCap(CommissionPolicyError):
    """A rate of {rate_bps} is above the cap of {cap_bps} basis points."""

    rate_bps: RateBps
    cap_bps: RateBps
    remedy = "Propose a lower rate."


@dataclass(eq=False)
class NoticeTooShort(CommissionPolicyError):
    """Period {from_period} begins before {earliest_start}."""

    from_period: Period
    earliest_start: UnixSeconds
    remedy = "Let the rate begin with that period or a later one."


@dataclass(eq=False)
class PeriodNotAscending(CommissionPolicyError):
    """Category {category} has a rate from period {latest} on; {from_period} is earlier."""

    category: Category
    from_period: Period
    latest: Period
    remedy = "Let the rate begin with that period or a later one."


class UsageSettlementError(ContractError):
    """The settlement contract refuses this."""

    contract = "UsageSettlement"


@dataclass(eq=False)
class AgreementNotActive(UsageSettlementError):
    """Agreement {agreement_id} is not active, or its time is over."""

    agreement_id: AgreementId
    remedy = "Deposit under an agreement that stands."


@dataclass(eq=False)
class AgreementNeverActive(UsageSettlementError):
    """Agreement {agreement_id} has never been active."""

    agreement_id: AgreementId
    remedy = "Let all parties sign first."


@dataclass(eq=False)
class ConsumerNotParty(UsageSettlementError, solidity="NotParty"):
    """Organisation {organisation} is not a party of agreement {agreement_id}."""

    agreement_id: AgreementId
    organisation: OrganisationId
    remedy = "Let a party of the agreement be the consumer."


@dataclass(eq=False)
class AgreementMismatch(UsageSettlementError):
    """The terms are those of {terms_id}, the voucher names {agreement_id}."""

    agreement_id: AgreementId
    terms_id: AgreementId
    remedy = "Send the terms that the voucher's agreement was proposed with."


@dataclass(eq=False)
class ConsumerIsPayee(UsageSettlementError):
    """Organisation {consumer} is paid by the agreement and cannot consume under it."""

    consumer: OrganisationId
    remedy = "Let another party be the consumer."


@dataclass(eq=False)
class PeriodNotBegun(UsageSettlementError):
    """Period {period} begins at {starts_at} only."""

    period: Period
    starts_at: UnixSeconds
    remedy = "Settle it once it has begun."


@dataclass(eq=False)
class PeriodOutsideValidity(UsageSettlementError):
    """Period {period} lies outside the agreement's validity from {valid_from} to {valid_until}."""

    period: Period
    valid_from: UnixSeconds
    valid_until: UnixSeconds
    remedy = "Let the consumer sign for a period in which the agreement was valid."


@dataclass(eq=False)
class VoucherNotNewer(UsageSettlementError):
    """{units} units are not more than the {settled_units} settled."""

    units: Units
    settled_units: Units
    remedy = "Ask the consumer for a newer voucher."


@dataclass(eq=False)
class UpToAboveVoucher(UsageSettlementError):
    """{up_to} units are more than the voucher's {units}."""

    up_to: Units
    units: Units
    remedy = "Settle at most the voucher's units."


@dataclass(eq=False)
class VoucherSignatureInvalid(UsageSettlementError, solidity="SignatureInvalid"):
    """The voucher of {consumer} is not signed by {signer}, or that account may not."""

    consumer: OrganisationId
    signer: AccountAddress
    remedy = "Sign with an account of the consumer that has the scope voucher."


@dataclass(eq=False)
class DepositTooSmall(UsageSettlementError):
    """The deposit of {deposit} does not cover {needed}."""

    deposit: int
    needed: int
    remedy = "Settle fewer units now, or ask the consumer to deposit."


@dataclass(eq=False)
class AmountZero(UsageSettlementError):
    """The amount is zero."""

    remedy = "Give an amount above zero."


@dataclass(eq=False)
class AmountTooLarge(UsageSettlementError):
    """{amount} is more than the {available} available."""

    amount: int
    available: int
    remedy = "Ask for at most what is available."


@dataclass(eq=False)
class SettlementNotAuthorised(UsageSettlementError, solidity="NotAuthorised"):
    """Account {account} does not speak for organisation {organisation}."""

    account: AccountAddress
    organisation: OrganisationId
    remedy = "Use an account of the organisation with the scope claim."


@dataclass(eq=False)
class LeavingNotDue(UsageSettlementError):
    """Leaving is due at {executable_at}; the block's time is {block_time}."""

    executable_at: UnixSeconds
    block_time: UnixSeconds
    remedy = "Wait for the end of the notice, or request leaving first."


class UsageTokenError(ContractError):
    """The usage token refuses this."""

    contract = "UsageToken"


@dataclass(eq=False)
class NotParticipant(UsageTokenError):
    """Account {account} belongs to no participant."""

    account: AccountAddress
    remedy = "Send tokens to a bound account of an admitted organisation."
