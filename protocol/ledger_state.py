"""What a reader of the chain knows after some events: plain records in plain dictionaries.

`ledger` folds events into it. Keys are ids, so that every look-up is one step.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields

from protocol.agreement import AgreementState, Terms
from protocol.events import Origin
from protocol.lifecycle import Lifecycle
from protocol.postings import LedgerAccount, Posting
from protocol.types import (
    AccountAddress,
    AgreementId,
    AmountMinor,
    Category,
    ContractAddress,
    Hash32,
    Leaf,
    OrganisationId,
    Period,
    RateBps,
    Root,
    Units,
    UnixSeconds,
)

NEVER = UnixSeconds(0)
"""A time before every block: no stop has been in force."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The chain and the addresses that the rules ask for."""

    chain_id: int
    agreement_registry: ContractAddress
    consent_registry: ContractAddress
    usage_settlement: ContractAddress
    commons_treasury: ContractAddress


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation; `service_address` and the document's hash as it described itself."""

    did: str
    roles: int
    college: int
    admitted_at: UnixSeconds
    suspended: bool = False
    service_address: str | None = None
    did_document_hash: Hash32 | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account bound to an organisation; `expires_at` exclusive, `retired_at` None in service."""

    organisation: OrganisationId
    scopes: int
    expires_at: UnixSeconds
    bound_at: UnixSeconds
    retired_at: UnixSeconds | None = None


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an operator's accounts may do for an organisation; `expires_at` exclusive."""

    scopes: int
    expires_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class Recovery:
    """The account that an organisation without keys gets, from a time on."""

    account: AccountAddress
    executable_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement: its terms, the parties' acts, and (time, state) in the chain's order."""

    terms: Terms
    lifecycle: Lifecycle
    history: tuple[tuple[UnixSeconds, AgreementState], ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A batch in an issuer's namespace: `size` leaves, the first at `first_index` of the log."""

    anchored_at: UnixSeconds
    size: int
    first_index: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class LeafPosition:
    """Where an issuer anchored a leaf first: the batch's root and the index in the batch."""

    root: Root
    index: int
    anchored_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class Leaving:
    """A request to leave with an amount, due at a time."""

    amount: AmountMinor
    executable_at: UnixSeconds


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """A call that waits in the timelock until its time; its operation may be one of several."""

    target: ContractAddress
    value: int
    data: bytes
    proposed_at: UnixSeconds
    executable_at: int


@dataclass(slots=True)
class LedgerState:
    """Everything that follows from the events so far. Read it; only `ledger` writes to it.

    `money` has what each account holds, `journal` every posting in order with its origin;
    `endings` has when somebody ended a leaf in their own namespace.
    """

    deployment: Deployment
    participants: dict[OrganisationId, Participant] = field(default_factory=dict)
    accounts: dict[AccountAddress, Account] = field(default_factory=dict)
    delegations: dict[tuple[OrganisationId, OrganisationId], Delegation] = field(
        default_factory=dict
    )
    recoveries: dict[OrganisationId, Recovery] = field(default_factory=dict)
    guardian: AccountAddress | None = None
    stopped_until: UnixSeconds = NEVER
    agreements: dict[AgreementId, Agreement] = field(default_factory=dict)
    rates: dict[Category, tuple[tuple[Period, RateBps], ...]] = field(default_factory=dict)
    anchors: dict[tuple[OrganisationId, Root], Anchor] = field(default_factory=dict)
    leaves: dict[tuple[OrganisationId, Leaf], LeafPosition] = field(default_factory=dict)
    log_size: int = 0
    endings: dict[tuple[bytes, Leaf], UnixSeconds] = field(default_factory=dict)
    settled: dict[tuple[AgreementId, OrganisationId, Period], Units] = field(default_factory=dict)
    leavings: dict[tuple[AgreementId, OrganisationId], Leaving] = field(default_factory=dict)
    money: dict[LedgerAccount, AmountMinor] = field(default_factory=dict)
    journal: list[tuple[Origin, Posting]] = field(default_factory=list)
    proposed_calls: dict[tuple[Hash32, int], ProposedCall] = field(default_factory=dict)
    last: Origin | None = None


def copy_state(state: LedgerState) -> LedgerState:
    """A copy that can be written to without changing the original; the records are shared."""
    return LedgerState(**{f.name: copy(getattr(state, f.name)) for f in fields(state)})
