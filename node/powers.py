"""Who has power over the contracts, as the chain tells it: by the roles that were granted, each
asked for again, by the acts that were opened to a role, and by the authority that each contract
obeys."""

from __future__ import annotations

from dataclasses import dataclass

from web3 import Web3
from web3.exceptions import Web3ValueError

from node.contracts import Deployment
from node.multi_signature import Ownership, ownership_of
from protocol.contracts import abi

TIMELOCK_ROLES = ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE", "DEFAULT_ADMIN_ROLE")
GOVERNED = (
    "ParticipantRegistry",
    "CommissionPolicy",
    "ConsentRegistry",
    "UsageToken",
    "CommonsTreasury",
)

GOVERNANCE = 0
"""The AccessManager's ADMIN_ROLE: it alone may call what was opened to no other."""

EVERYBODY = 2**64 - 1
"""Its PUBLIC_ROLE, which all accounts have without a grant."""


@dataclass(frozen=True, slots=True)
class Powers:
    """`roles`: each role of the timelock and who has it; `managers`: who has any role of the
    AccessManager; `opened`: acts that another role than governance may do, and which;
    `proposers`: the owners of each proposer, None where it is no published Safe."""

    delay_seconds: int
    roles: dict[str, list[str]]
    managers: list[str]
    opened: dict[str, int]
    authorities: dict[str, str]
    proposers: dict[str, Ownership | None]

    def concerns(self, deployment: Deployment) -> list[str]:
        """What lets anybody act without the timelock, or propose to it alone."""
        timelock = deployment.address_of("TimelockController")
        manager = deployment.address_of("AccessManager")
        found = [
            f"{account} administers the timelock"
            for account in self.roles["DEFAULT_ADMIN_ROLE"]
            if account != timelock
        ]
        found += [
            f"{each} has a role of the AccessManager" for each in self.managers if each != timelock
        ]
        found += [
            f"{act} is open to {'everybody' if role == EVERYBODY else f'role {role}'}"
            for act, role in self.opened.items()
        ]
        found += [
            f"{name} obeys {authority}"
            for name, authority in self.authorities.items()
            if authority != manager
        ]
        found += [
            f"{address} proposes, and is no Safe of which at least two owners sign"
            for address, ownership in self.proposers.items()
            if ownership is None or not ownership.is_shared
        ]
        return found


def read_powers(web3: Web3, deployment: Deployment) -> Powers:
    """The powers at the chain's head."""
    timelock = deployment.contract(web3, "TimelockController")
    manager = deployment.contract(web3, "AccessManager")
    first = deployment.block_number
    named = {
        log["args"]["account"] for log in timelock.events.RoleGranted.get_logs(from_block=first)
    }
    roles = {}
    for name in TIMELOCK_ROLES:
        role = timelock.functions[name]().call()
        roles[name] = sorted(
            account for account in named if timelock.functions.hasRole(role, account).call()
        )
    granted = {
        (log["args"]["roleId"], log["args"]["account"])
        for log in manager.events.RoleGranted.get_logs(from_block=first)
    }
    managers = {
        account for role, account in granted if manager.functions.hasRole(role, account).call()[0]
    }
    authorities = {
        name: deployment.contract(web3, name).functions.authority().call() for name in GOVERNED
    }
    return Powers(
        delay_seconds=timelock.functions.getMinDelay().call(),
        roles=roles,
        managers=sorted(managers),
        opened=_read_opened(web3, deployment),
        authorities=authorities,
        proposers={address: ownership_of(web3, address) for address in roles["PROPOSER_ROLE"]},
    )


def _read_opened(web3: Web3, deployment: Deployment) -> dict[str, int]:
    """Act (`UsageToken.issue`) → role. An act is governance's until the manager says otherwise,
    with an event."""
    manager = deployment.contract(web3, "AccessManager")
    names = {deployment.address_of(name): name for name in GOVERNED}
    changed = {
        (log["args"]["target"], bytes(log["args"]["selector"]))
        for log in manager.events.TargetFunctionRoleUpdated.get_logs(
            from_block=deployment.block_number
        )
        if log["args"]["target"] in names
    }
    opened = {}
    for target, selector in changed:
        role = manager.functions.getTargetFunctionRole(target, selector).call()
        if role != GOVERNANCE:
            opened[f"{names[target]}.{_act_of(names[target], selector)}"] = role
    return dict(sorted(opened.items()))


def _act_of(contract: str, selector: bytes) -> str:
    """A function's name; the selector, where the contract has no such function."""
    try:
        return str(
            Web3().eth.contract(abi=abi(contract)).get_function_by_selector(selector).fn_name
        )
    except Web3ValueError:
        return f"0x{selector.hex()}"
