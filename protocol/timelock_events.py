"""What the timelock reports (OpenZeppelin TimelockController): calls that are proposed, made or
called off, and who may do so."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.types import AccountAddress, ContractAddress, Hash32


@dataclass(frozen=True, slots=True)
class CallScheduled:
    """A call was proposed, of which an operation `id` has one or many; it may be executed `delay`
    seconds later, and after the operation `predecessor` if that is not zero."""

    id: Hash32
    index: int
    target: ContractAddress
    value: int
    data: bytes
    predecessor: Hash32
    delay: int


@dataclass(frozen=True, slots=True)
class CallExecuted:
    """A call of a proposed operation was made."""

    id: Hash32
    index: int
    target: ContractAddress
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CallSalt:
    """The salt of a proposed operation, which its id is a hash of."""

    id: Hash32
    salt: Hash32


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A proposed operation will not be executed."""

    id: Hash32


@dataclass(frozen=True, slots=True)
class MinDelayChange:
    """Operations that are proposed from now on wait so many seconds at least."""

    old_duration: int
    new_duration: int


@dataclass(frozen=True, slots=True)
class RoleGranted:
    """An account may propose, cancel, execute or administer in the timelock."""

    role: Hash32
    account: AccountAddress
    sender: AccountAddress


@dataclass(frozen=True, slots=True)
class RoleRevoked:
    """An account has a role in the timelock no more."""

    role: Hash32
    account: AccountAddress
    sender: AccountAddress


@dataclass(frozen=True, slots=True)
class RoleAdminChanged:
    """Another role decides in the timelock who has a role."""

    role: Hash32
    previous_admin_role: Hash32
    new_admin_role: Hash32


TimelockEvent = (
    CallScheduled
    | CallExecuted
    | CallSalt
    | Cancelled
    | MinDelayChange
    | RoleGranted
    | RoleRevoked
    | RoleAdminChanged
)
"""Any event of the timelock."""
