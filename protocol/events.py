"""What the contracts report: one dataclass for each event, and where it stands on the chain.

Names and fields are the Solidity interfaces', in snake_case, with an underscore at the end where
Python reserves the word. `Transfer`, `Approval` are the usage token's; the timelock's are apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from protocol.agreement import Terms
from protocol.commission import LineAmount
from protocol.timelock_events import TimelockEvent
from protocol.types import (
    AccountAddress,
    AgreementId,
    AmountMinor,
    Category,
    ContractAddress,
    Hash32,
    HolderAddress,
    Leaf,
    OrganisationId,
    Period,
    RateBps,
    Root,
    Units,
    UnixSeconds,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event stands: its block, with the block's time, and its place in it."""

    block_number: int
    block_hash: Hash32
    block_time: UnixSeconds
    transaction_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True)
class ParticipantAdmitted:
    """An organisation was admitted under its DID."""

    organisation: OrganisationId
    did: str
    roles: int
    college: int


@dataclass(frozen=True, slots=True)
class ParticipantClassified:
    """An organisation's roles or college changed."""

    organisation: OrganisationId
    roles: int
    college: int


@dataclass(frozen=True, slots=True)
class ParticipantDescribed:
    """An organisation said where its node answers; the hash is SHA-256 of its DID document."""

    organisation: OrganisationId
    service_address: str
    did_document_hash: Hash32


@dataclass(frozen=True, slots=True)
class ParticipantSuspended:
    """An organisation was suspended: no new business."""

    organisation: OrganisationId


@dataclass(frozen=True, slots=True)
class ParticipantReinstated:
    """A suspension ended."""

    organisation: OrganisationId


@dataclass(frozen=True, slots=True)
class AccountBound:
    """An account was bound to an organisation for ever, with its scopes."""

    organisation: OrganisationId
    account: AccountAddress
    scopes: int
    expires_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class AccountRetired:
    """An account was retired for ever."""

    organisation: OrganisationId
    account: AccountAddress


@dataclass(frozen=True, slots=True)
class OperatorDelegated:
    """An operator's accounts may act for an organisation; scopes 0 ends it."""

    organisation: OrganisationId
    operator: OrganisationId
    scopes: int
    expires_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class RecoveryAnnounced:
    """An organisation that lost its keys gets a new account, unless it calls that off before."""

    organisation: OrganisationId
    account: AccountAddress
    executable_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class RecoveryCancelled:
    """An announced recovery was called off."""

    organisation: OrganisationId
    account: AccountAddress


@dataclass(frozen=True, slots=True)
class GuardianAppointed:
    """Somebody may stop new business for a short time."""

    guardian: AccountAddress


@dataclass(frozen=True, slots=True)
class Stopped:
    """New business is stopped until a time."""

    until: UnixSeconds


@dataclass(frozen=True, slots=True)
class StopEnded:
    """A stop ended early."""


@dataclass(frozen=True, slots=True)
class AuthorityUpdated:
    """Who decides on a contract's governed acts is another contract now."""

    authority: ContractAddress


@dataclass(frozen=True, slots=True)
class AgreementProposed:
    """Terms were published for signature."""

    agreement_id: AgreementId
    parent: AgreementId
    terms: Terms


@dataclass(frozen=True, slots=True)
class AgreementSigned:
    """A party signed, by one of its accounts."""

    agreement_id: AgreementId
    organisation: OrganisationId
    signer: AccountAddress


@dataclass(frozen=True, slots=True)
class AgreementActivated:
    """The last party signed."""

    agreement_id: AgreementId


@dataclass(frozen=True, slots=True)
class AgreementSuspended:
    """A party suspended the agreement."""

    agreement_id: AgreementId
    organisation: OrganisationId
    reason_hash: Hash32


@dataclass(frozen=True, slots=True)
class AgreementResumed:
    """A party took its suspension back."""

    agreement_id: AgreementId
    organisation: OrganisationId


@dataclass(frozen=True, slots=True)
class AgreementTerminated:
    """A party ended the agreement for ever."""

    agreement_id: AgreementId
    organisation: OrganisationId
    reason_hash: Hash32


@dataclass(frozen=True, slots=True)
class LeavesAnchored:
    """A batch of leaves was anchored in the issuer's namespace."""

    issuer: OrganisationId
    root: Root
    first_index: int
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class ConsentEnded:
    """`who` ended a leaf in their own namespace, for the first time."""

    who: bytes
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class WithdrawalRefused:
    """A signature in a batch was not the holder's; nothing happened."""

    holder: HolderAddress
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class RateSet:
    """A category has a rate from the start of a period on."""

    category: Category
    from_period: Period
    rate_bps: RateBps


@dataclass(frozen=True, slots=True)
class Transfer:
    """Tokens moved; from the zero address they are issued, to it they are burnt (ERC-20)."""

    from_: AccountAddress
    to: AccountAddress
    value: AmountMinor


@dataclass(frozen=True, slots=True)
class Approval:
    """An account lets a spender move up to an amount of its tokens (ERC-20)."""

    owner: AccountAddress
    spender: AccountAddress
    value: AmountMinor


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens were issued against a payment."""

    to: AccountAddress
    amount: AmountMinor
    payment_reference: Hash32


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Tokens were burnt, to be paid out in money."""

    from_: AccountAddress
    amount: AmountMinor
    payout_reference: Hash32


@dataclass(frozen=True, slots=True)
class Deposited:
    """Tokens were put under one agreement for one consumer."""

    agreement_id: AgreementId
    consumer: OrganisationId
    from_: AccountAddress
    amount: AmountMinor


@dataclass(frozen=True, slots=True)
class LeavingRequested:
    """A consumer announced to leave with an amount."""

    agreement_id: AgreementId
    consumer: OrganisationId
    amount: AmountMinor
    executable_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class Left:
    """A consumer left with an amount of its deposit."""

    agreement_id: AgreementId
    consumer: OrganisationId
    to: AccountAddress
    amount: AmountMinor


@dataclass(frozen=True, slots=True)
class UsageSettled:
    """Units were settled; `amounts` follow the order of the price lines."""

    agreement_id: AgreementId
    consumer: OrganisationId
    period: Period
    from_units: Units
    to_units: Units
    usage_root: Hash32
    amounts: tuple[LineAmount, ...]


@dataclass(frozen=True, slots=True)
class VoucherSkipped:
    """A voucher in a batch was not newer than what is settled; nothing happened."""

    agreement_id: AgreementId
    consumer: OrganisationId
    period: Period
    up_to: Units
    settled_units: Units


@dataclass(frozen=True, slots=True)
class BalanceClaimed:
    """An organisation's balance was paid to one of its accounts."""

    organisation: OrganisationId
    to: AccountAddress
    amount: AmountMinor


@dataclass(frozen=True, slots=True)
class CommissionPaidOut:
    """Collected commissions were paid to the treasury."""

    amount: AmountMinor


@dataclass(frozen=True, slots=True)
class Granted:
    """The treasury granted an amount to a maintainer of a commons."""

    to: AccountAddress
    amount: AmountMinor
    purpose_hash: Hash32


Event = (
    ParticipantAdmitted
    | ParticipantClassified
    | ParticipantDescribed
    | ParticipantSuspended
    | ParticipantReinstated
    | AccountBound
    | AccountRetired
    | OperatorDelegated
    | RecoveryAnnounced
    | RecoveryCancelled
    | GuardianAppointed
    | Stopped
    | StopEnded
    | AuthorityUpdated
    | AgreementProposed
    | AgreementSigned
    | AgreementActivated
    | AgreementSuspended
    | AgreementResumed
    | AgreementTerminated
    | LeavesAnchored
    | ConsentEnded
    | WithdrawalRefused
    | RateSet
    | Transfer
    | Approval
    | Issued
    | Redeemed
    | Deposited
    | LeavingRequested
    | Left
    | UsageSettled
    | VoucherSkipped
    | BalanceClaimed
    | CommissionPaidOut
    | Granted
    | TimelockEvent
)
"""Any event of the contracts."""

EVENT_TYPES: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""From the name of an event in the ABI to its class."""
