"""Double entry: every movement of tokens as a pair of accounts and an amount.

Accounts are named by text, so that books and tables can carry the names:

    issued                            outside; what it owes is the token's supply
    holding:<address>                 tokens of an account that acts for an organisation
    treasury                          tokens of the treasury contract
    transit                           tokens of the settlement contract that no event has
                                      attributed yet
    deposit:<agreement>:<consumer>    what a consumer put under one agreement
    balance:<organisation>            what an organisation can claim
    commission                        collected for the association, not paid out yet

The settlement contract holds deposits, balances and commission together. A transfer to or from
it is posted against `transit`, and the settlement event of the same transaction posts between
`transit` and the account that is meant. So after a transaction `transit` holds just what
somebody sent to the contract without depositing it; within a transaction it may fall below zero,
because the contracts report a payment after its transfer.

A posting is never changed or removed: what was wrong is put right by a new posting the other way,
in the month in which it is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType

from protocol.agreement import PriceLine
from protocol.commission import net
from protocol.events import (
    BalanceClaimed,
    CommissionPaidOut,
    Deposited,
    Left,
    Transfer,
    UsageSettled,
)
from protocol.types import (
    ZERO_ADDRESS,
    AgreementId,
    AmountMinor,
    Category,
    ContractAddress,
    OrganisationId,
    Period,
    to_hex,
)

LedgerAccount = NewType("LedgerAccount", str)
"""The name of an account, as drawn above."""

MoneyEvent = Transfer | UsageSettled | Deposited | Left | BalanceClaimed | CommissionPaidOut
"""An event that moves money."""

ISSUED = LedgerAccount("issued")
TREASURY = LedgerAccount("treasury")
TRANSIT = LedgerAccount("transit")
COMMISSION = LedgerAccount("commission")
ACCOUNT_PATTERN = (
    "issued|treasury|transit|commission|(holding|balance):0x[0-9a-fA-F]{40}"
    "|deposit:0x[0-9a-fA-F]{64}:0x[0-9a-fA-F]{40}"
)
"""What a name must match whole."""
_ACCOUNT = re.compile(ACCOUNT_PATTERN)


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount that leaves `source` and reaches `target`, in base units, above zero.

    `agreement_id` is the agreement under which it moves; `period` the month of use and `category`
    the category of commons that a settlement is for; None where there is none.
    """

    source: LedgerAccount
    target: LedgerAccount
    amount_minor: AmountMinor
    period: Period | None = None
    agreement_id: AgreementId | None = None
    category: Category | None = None


def holding_of(
    address: bytes, settlement: ContractAddress, treasury: ContractAddress
) -> LedgerAccount:
    """The account that stands for an address in the token's own books."""
    if address == ZERO_ADDRESS:
        return ISSUED
    if address == settlement:
        return TRANSIT
    if address == treasury:
        return TREASURY
    return LedgerAccount(f"holding:{to_hex(address)}")


def deposit_of(agreement_id: AgreementId, consumer: OrganisationId) -> LedgerAccount:
    """The account of a consumer's deposit under one agreement."""
    return LedgerAccount(f"deposit:{to_hex(agreement_id)}:{to_hex(consumer)}")


def balance_of(organisation: OrganisationId) -> LedgerAccount:
    """The account of what an organisation can claim."""
    return LedgerAccount(f"balance:{to_hex(organisation)}")


def is_account(name: str) -> bool:
    """Whether it has the form of an account's name; hexadecimal digits of either case."""
    return _ACCOUNT.fullmatch(name) is not None


def parse_account(
    name: str, settlement: ContractAddress, treasury: ContractAddress
) -> LedgerAccount:
    """The account that somebody means by a name, as the books write it: the tokens of the contracts
    themselves have names of their own."""
    assert is_account(name)
    kind, _, rest = name.partition(":")
    if kind == "holding":
        return holding_of(bytes.fromhex(rest[2:]), settlement, treasury)
    return LedgerAccount(name.lower())


def postings_of(
    event: MoneyEvent,
    lines_of: Callable[[AgreementId], tuple[PriceLine, ...]],
    settlement: ContractAddress,
    treasury: ContractAddress,
) -> tuple[Posting, ...]:
    """The postings of an event that moves money. `lines_of` gives an agreement's price lines."""
    match event:
        case Transfer():
            return postings_of_transfer(event, settlement, treasury)
        case UsageSettled():
            return postings_of_usage(event, lines_of(event.agreement_id))
        case Deposited() | Left() | BalanceClaimed() | CommissionPaidOut():
            return postings_of_payment(event)


def postings_of_transfer(
    event: Transfer, settlement: ContractAddress, treasury: ContractAddress
) -> tuple[Posting, ...]:
    """One posting between the holdings of sender and receiver."""
    source = holding_of(event.from_, settlement, treasury)
    target = holding_of(event.to, settlement, treasury)
    return _without_zero(Posting(source, target, event.value))


def postings_of_payment(
    event: Deposited | Left | BalanceClaimed | CommissionPaidOut,
) -> tuple[Posting, ...]:
    """One posting between `transit` and the account that the settlement contract means."""
    match event:
        case Deposited():
            deposit = deposit_of(event.agreement_id, event.consumer)
            return _without_zero(_payment(TRANSIT, deposit, event))
        case Left():
            deposit = deposit_of(event.agreement_id, event.consumer)
            return _without_zero(_payment(deposit, TRANSIT, event))
        case BalanceClaimed():
            balance = balance_of(event.organisation)
            return _without_zero(Posting(balance, TRANSIT, event.amount))
        case CommissionPaidOut():
            return _without_zero(Posting(COMMISSION, TRANSIT, event.amount))


def postings_of_usage(event: UsageSettled, lines: tuple[PriceLine, ...]) -> tuple[Posting, ...]:
    """Two postings a price line: net to the payee's balance, the rest to the commission."""
    deposit = deposit_of(event.agreement_id, event.consumer)
    postings = []
    for line, amount in zip(lines, event.amounts, strict=True):
        purpose = (event.period, event.agreement_id, line.category)
        postings.append(Posting(deposit, balance_of(line.payee), net(amount), *purpose))
        share = amount.commission_rounded_down
        postings.append(Posting(deposit, COMMISSION, share, *purpose))
    return _without_zero(*postings)


def _payment(source: LedgerAccount, target: LedgerAccount, event: Deposited | Left) -> Posting:
    return Posting(source, target, event.amount, agreement_id=event.agreement_id)


def _without_zero(*postings: Posting) -> tuple[Posting, ...]:
    return tuple(posting for posting in postings if posting.amount_minor)
