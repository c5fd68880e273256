"""Calls that only an account of the organisation may make: its wallet sends them, the node writes
them down.

Money and accounts are never delegated to an operator (`Scopes.DELEGABLE`), so no act of the outbox
can stand for these.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_hash.auto import keccak

from node.contracts import Deployment
from protocol.types import AccountAddress, AgreementId, AmountMinor, OrganisationId, Scope

WORD_BYTES = 32
Word = int | bytes
"""An argument of one word: a number, an address or a bytes32."""


@dataclass(frozen=True, slots=True)
class WalletCall:
    """A transaction without value: `act` is the contract's name and the function's."""

    act: str
    to: bytes
    data: bytes


def deposit_calls(
    deployment: Deployment,
    agreement_id: AgreementId,
    consumer: OrganisationId,
    amount_minor: AmountMinor,
) -> list[WalletCall]:
    """The allowance of the sender's tokens, then the deposit that uses it up."""
    settlement = deployment.address_bytes("UsageSettlement")
    return [
        _call(deployment, "UsageToken", "approve(address,uint256)", settlement, amount_minor),
        _call(
            deployment,
            "UsageSettlement",
            "deposit(bytes32,address,uint256)",
            *(agreement_id, consumer, amount_minor),
        ),
    ]


def claim_call(
    deployment: Deployment,
    organisation: OrganisationId,
    to: AccountAddress,
    amount_minor: AmountMinor,
) -> WalletCall:
    """What the organisation can claim, to one of its accounts."""
    signature = "claim(address,address,uint256)"
    return _call(deployment, "UsageSettlement", signature, organisation, to, amount_minor)


def request_leaving_call(
    deployment: Deployment,
    agreement_id: AgreementId,
    consumer: OrganisationId,
    amount_minor: AmountMinor,
) -> WalletCall:
    """Starts the notice after which so much of a deposit is paid back, in place of an earlier
    request."""
    signature = "requestLeaving(bytes32,address,uint128)"
    arguments = (agreement_id, consumer, amount_minor)
    return _call(deployment, "UsageSettlement", signature, *arguments)


def leave_call(
    deployment: Deployment,
    agreement_id: AgreementId,
    consumer: OrganisationId,
    to: AccountAddress,
) -> WalletCall:
    """Pays back what was asked for, or what is left of it, to one of the consumer's accounts."""
    signature = "leave(bytes32,address,address)"
    return _call(deployment, "UsageSettlement", signature, agreement_id, consumer, to)


def delegate_call(
    deployment: Deployment,
    organisation: OrganisationId,
    operator: OrganisationId,
    scopes: Scope,
    expires_at: int,
) -> WalletCall:
    """What an operator may do for the organisation from now on, in place of what it might before;
    without a scope the delegation ends."""
    signature = "delegate(address,address,uint8,uint40)"
    arguments = (organisation, operator, int(scopes), expires_at)
    return _call(deployment, "ParticipantRegistry", signature, *arguments)


def bind_call(
    deployment: Deployment,
    organisation: OrganisationId,
    account: AccountAddress,
    scopes: Scope,
    expires_at: int,
    signature: bytes,
) -> WalletCall:
    """Binds an account to the organisation for ever, by the account's own signature."""
    head: tuple[Word, ...] = (organisation, account, int(scopes), expires_at)
    behind_head = (len(head) + 1) * WORD_BYTES
    padded = signature + bytes(-len(signature) % WORD_BYTES)
    words = [padded[at : at + WORD_BYTES] for at in range(0, len(padded), WORD_BYTES)]
    return _call(
        deployment,
        "ParticipantRegistry",
        "bindAccount(address,address,uint8,uint40,bytes)",
        *(*head, behind_head, len(signature), *words),
    )


def retire_call(deployment: Deployment, account: AccountAddress) -> WalletCall:
    """Takes an account out of service for good."""
    return _call(deployment, "ParticipantRegistry", "retireAccount(address)", account)


def _call(deployment: Deployment, contract: str, signature: str, *arguments: Word) -> WalletCall:
    """By the contract ABI of Solidity, which for words is each of them padded to 32 bytes: numbers
    and addresses on the left. What has no fixed length stands behind the words, at the byte that
    its word names."""
    words = (
        each.to_bytes(WORD_BYTES) if isinstance(each, int) else each.rjust(WORD_BYTES, b"\0")
        for each in arguments
    )
    data = keccak(signature.encode())[:4] + b"".join(words)
    name = signature.partition("(")[0]
    return WalletCall(f"{contract}.{name}", deployment.address_bytes(contract), data)
