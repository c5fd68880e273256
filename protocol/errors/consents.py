"""What the registry of consents and its log refuse.

One class for each custom error of IConsentRegistry and IMerkleLog, same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.errors.base import ContractError

if TYPE_CHECKING:
    from protocol.types import (
        AccountAddress,
        HolderAddress,
        Leaf,
        OrganisationId,
        Root,
    )


class ConsentRegistryError(ContractError):
    """The registry of consents refuses this."""

    contract = "ConsentRegistry"


@dataclass(eq=False)
class WithdrawalSignatureInvalid(ConsentRegistryError, solidity="SignatureInvalid"):
    """The withdrawal of leaf {leaf} is not signed by holder {holder}."""

    holder: HolderAddress
    leaf: Leaf
    remedy = "Sign ConsentWithdrawal with the consent's own key."


@dataclass(eq=False)
class NotIssuer(ConsentRegistryError):
    """Account {account} does not speak for issuer {issuer}."""

    account: AccountAddress
    issuer: OrganisationId
    remedy = "Use an account of the issuer with the scope anchor."


@dataclass(eq=False)
class EntryLengthInvalid(ConsentRegistryError):
    """The entry has {length} bytes; {expected} are expected."""

    length: int
    expected: int
    remedy = "Send the whole entry of the record."


class MerkleLogError(ContractError):
    """The log refuses this batch."""

    contract = "MerkleLog"


@dataclass(eq=False)
class BatchSizeInvalid(MerkleLogError):
    """A batch of {size} leaves; 1 to {maximum} are allowed."""

    size: int
    maximum: int
    remedy = "Send as many as are allowed, in several batches if need be."


@dataclass(eq=False)
class AlreadyAnchored(MerkleLogError):
    """Issuer {issuer} has anchored root {root} already."""

    issuer: OrganisationId
    root: Root
    remedy = "Nothing is left to do; the first anchor counts."
