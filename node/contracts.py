"""The deployed contracts: where they are, and web3 objects for them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from protocol import contracts as artifacts
from protocol.types import to_checksum_address

if TYPE_CHECKING:  # only processes that send load web3
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract import Contract

LEDGER_CONTRACTS = (
    "ParticipantRegistry",
    "AgreementRegistry",
    "ConsentRegistry",
    "UsageToken",
    "UsageSettlement",
    "CommissionPolicy",
    "CommonsTreasury",
)
ALL_CONTRACTS = ("TimelockController", "AccessManager", *LEDGER_CONTRACTS)


class DeploymentMissing(Exception):
    """There is no record of the contracts on this chain."""


@dataclass(frozen=True, slots=True)
class ProposerRecord:
    """The Safe that was deployed to propose to the timelock, with the owners of its beginning.

    `addresses` are those of the account and of the code behind it; `transaction_hashes`, what
    created the code, as far as one run of the deployment saw it. The account needs none: its
    address follows from the factory, the code and the owners.
    """

    owners: list[str]
    threshold: int
    addresses: dict[str, str]
    transaction_hashes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the contracts are. `block_number`: nothing of ours happened before it;
    `transaction_hashes`: what created them, as far as one run of the deployment saw it;
    `proposer`: None where a Safe that was there already was named."""

    chain_id: int
    genesis_hash: str
    block_number: int
    addresses: dict[str, str]
    constructor_arguments: dict[str, list[Any]]
    transaction_hashes: dict[str, str] = field(default_factory=dict)
    proposer: ProposerRecord | None = None

    def address_of(self, name: str) -> ChecksumAddress:
        """EIP-55 address of a contract by its name."""
        return cast("ChecksumAddress", to_checksum_address(self.address_bytes(name)))

    def address_bytes(self, name: str) -> bytes:
        """The same as 20 bytes."""
        return bytes.fromhex(self.addresses[name].removeprefix("0x"))

    def contract(self, web3: Web3, name: str) -> Contract:
        """A web3 object for a contract by its name."""
        return web3.eth.contract(address=self.address_of(name), abi=artifacts.abi(name))


def load_deployment(path: Path) -> Deployment:
    """Reads the record that the deployment wrote; raises DeploymentMissing."""
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise DeploymentMissing(
            f"{path} does not exist: deploy the contracts first (scripts/deploy.py)."
        ) from None
    if record.get("proposer") is not None:
        record["proposer"] = ProposerRecord(**record["proposer"])
    return Deployment(**record)


def find_deployment(path: Path) -> Deployment | None:
    """The same, or None where nothing was recorded."""
    return load_deployment(path) if path.exists() else None


def save_deployment(path: Path, deployment: Deployment) -> None:
    """Writes the record in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(deployment), indent=2) + "\n")
    temporary.replace(path)
