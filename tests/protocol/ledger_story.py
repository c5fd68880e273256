"""A small chain in memory: acts of participants, told as the events that contracts emit.

The story knows what the contracts would allow and emits their events in their order, so that the
fold can be tested on long random histories.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol import commission
from protocol.agreement import PriceLine, Terms
from protocol.events import (
    AccountBound,
    AgreementActivated,
    AgreementProposed,
    AgreementSigned,
    BalanceClaimed,
    CommissionPaidOut,
    Deposited,
    Event,
    Issued,
    LeavingRequested,
    Left,
    Origin,
    ParticipantAdmitted,
    RateSet,
    Redeemed,
    Transfer,
    UsageSettled,
)
from protocol.hashing import sha256
from protocol.identifiers import organisation_id
from protocol.ledger import balance, commission_owed, deposit, fold, new_ledger, settled_units
from protocol.ledger_state import Deployment, LedgerState
from protocol.periods import period_of
from protocol.postings import holding_of
from protocol.signing import agreement_id_of
from protocol.types import (
    ZERO_ADDRESS,
    AccountAddress,
    AgreementId,
    AmountMinor,
    Category,
    ContractAddress,
    Hash32,
    Period,
    RateBps,
    Units,
    UnixSeconds,
)

DEPLOYMENT = Deployment(
    chain_id=5,
    agreement_registry=ContractAddress(b"\xa1" * 20),
    consent_registry=ContractAddress(b"\xa2" * 20),
    usage_settlement=ContractAddress(b"\xa3" * 20),
    commons_treasury=ContractAddress(b"\xa4" * 20),
)
SETTLEMENT = AccountAddress(DEPLOYMENT.usage_settlement)
TREASURY = AccountAddress(DEPLOYMENT.commons_treasury)
NOBODY = AccountAddress(ZERO_ADDRESS)
BEGIN = UnixSeconds(1_790_000_000)
DIDS = ("did:web:school.example", "did:web:employer.example")
SCHOOL, EMPLOYER = (organisation_id(did) for did in DIDS)
PAYEE_ACCOUNT = AccountAddress(b"\xb1" * 20)
CONSUMER_ACCOUNT = AccountAddress(b"\xb2" * 20)
ACCOUNTS = {SCHOOL: PAYEE_ACCOUNT, EMPLOYER: CONSUMER_ACCOUNT}
LINES = (
    PriceLine(SCHOOL, Category(1), AmountMinor(333), Units(10)),
    PriceLine(SCHOOL, Category(2), AmountMinor(7), Units(0)),
)
RATES = (RateBps(250), RateBps(999))
TERMS = Terms(
    parties=tuple(sorted((SCHOOL, EMPLOYER))),
    valid_from=BEGIN,
    valid_until=UnixSeconds(BEGIN + 10**8),
    policy_hash=Hash32(bytes(32)),
    document_hash=Hash32(bytes(32)),
    rulebook=Hash32(bytes(32)),
    parent=AgreementId(bytes(32)),
    salt=Hash32(bytes(32)),
    lines=LINES,
)
AGREEMENT = agreement_id_of(TERMS, DEPLOYMENT.chain_id, DEPLOYMENT.agreement_registry)
PERIOD = period_of(BEGIN)
PAYEE_HOLDING = holding_of(PAYEE_ACCOUNT, DEPLOYMENT.usage_settlement, DEPLOYMENT.commons_treasury)
CONSUMER_HOLDING = holding_of(
    CONSUMER_ACCOUNT, DEPLOYMENT.usage_settlement, DEPLOYMENT.commons_treasury
)
REFERENCE = Hash32(bytes(32))


@dataclass
class Story:
    """The events so far; each act is one transaction in a block of its own."""

    time: UnixSeconds = BEGIN
    events: list[tuple[Event, Origin]] = field(default_factory=list)
    state: LedgerState = field(default_factory=lambda: new_ledger(DEPLOYMENT))

    def tell(self, *events: Event) -> None:
        """One transaction with these events."""
        number = len(self.events) + 1
        digest = sha256(number.to_bytes(8))
        origins = [Origin(number, digest, self.time, digest, i) for i in range(len(events))]
        told = list(zip(events, origins, strict=True))
        self.state = fold(self.state, told)
        self.events.extend(told)
        self.time = UnixSeconds(self.time + 1)

    def begin(self) -> Story:
        """Two organisations, two rates and an active agreement."""
        for did, organisation in zip(DIDS, (SCHOOL, EMPLOYER), strict=True):
            account = ACCOUNTS[organisation]
            never = UnixSeconds(2**40 - 1)
            self.tell(
                ParticipantAdmitted(organisation, did, 3, 1),
                AccountBound(organisation, account, 31, never),
            )
        for line, rate in zip(LINES, RATES, strict=True):
            self.tell(RateSet(line.category, PERIOD, rate))
        self.tell(AgreementProposed(AGREEMENT, TERMS.parent, TERMS))
        self.tell(AgreementSigned(AGREEMENT, SCHOOL, PAYEE_ACCOUNT))
        self.tell(
            AgreementSigned(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT), AgreementActivated(AGREEMENT)
        )
        return self

    def issue(self, amount: int) -> None:
        minor = AmountMinor(amount)
        self.tell(
            Transfer(NOBODY, CONSUMER_ACCOUNT, minor), Issued(CONSUMER_ACCOUNT, minor, REFERENCE)
        )

    def deposit(self, amount: int) -> None:
        minor = AmountMinor(amount)
        self.tell(
            Transfer(CONSUMER_ACCOUNT, SETTLEMENT, minor),
            Deposited(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT, minor),
        )

    def settle(self, units: int, period: Period = PERIOD) -> bool:
        """Settle so many more units, if the deposit pays for them."""
        start = settled_units(self.state, AGREEMENT, EMPLOYER, period)
        end = Units(start + units)
        amounts = commission.settle(LINES, RATES, start, end)
        if commission.total_gross(amounts) > deposit(self.state, AGREEMENT, EMPLOYER):
            return False
        event = UsageSettled(AGREEMENT, EMPLOYER, period, start, end, REFERENCE, tuple(amounts))
        self.tell(event)
        return True

    def claim(self, amount: int) -> None:
        minor = AmountMinor(min(amount, balance(self.state, SCHOOL)))
        if minor:
            self.tell(
                Transfer(SETTLEMENT, PAYEE_ACCOUNT, minor),
                BalanceClaimed(SCHOOL, PAYEE_ACCOUNT, minor),
            )

    def pay_out_commission(self) -> None:
        owed = commission_owed(self.state)
        if owed:
            self.tell(Transfer(SETTLEMENT, TREASURY, owed), CommissionPaidOut(owed))

    def leave(self, amount: int) -> None:
        self.tell(LeavingRequested(AGREEMENT, EMPLOYER, AmountMinor(amount), self.time))
        left = AmountMinor(min(amount, deposit(self.state, AGREEMENT, EMPLOYER)))
        self.tell(
            Transfer(SETTLEMENT, CONSUMER_ACCOUNT, left),
            Left(AGREEMENT, EMPLOYER, CONSUMER_ACCOUNT, left),
        )

    def redeem(self, amount: int) -> None:
        held = self.state.money.get(PAYEE_HOLDING, AmountMinor(0))
        minor = AmountMinor(min(amount, held))
        self.tell(Transfer(PAYEE_ACCOUNT, NOBODY, minor), Redeemed(PAYEE_ACCOUNT, minor, REFERENCE))

    def send_by_mistake(self, amount: int) -> None:
        """Tokens sent to the settlement contract without depositing them."""
        self.tell(Transfer(CONSUMER_ACCOUNT, SETTLEMENT, AmountMinor(amount)))
