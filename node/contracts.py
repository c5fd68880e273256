"""The deployed contracts: their addresses, web3 objects for them, and reverts in plain words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractLogicError

from protocol import contracts as artifacts
from protocol.contracts import error_of_revert
from protocol.errors import ContractError

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
class Deployment:
    """Where the contracts are. `block_number`: nothing of ours happened before it."""

    chain_id: int
    genesis_hash: str
    block_number: int
    addresses: dict[str, str]
    constructor_arguments: dict[str, list[Any]]

    def address_of(self, name: str) -> ChecksumAddress:
        """EIP-55 address of a contract by its name."""
        return Web3.to_checksum_address(self.addresses[name])

    def address_bytes(self, name: str) -> bytes:
        """The same as 20 bytes."""
        return bytes.fromhex(self.addresses[name].removeprefix("0x"))

    def contract(self, web3: Web3, name: str) -> Contract:
        """A web3 object for a contract by its name."""
        return web3.eth.contract(address=self.address_of(name), abi=artifacts.abi(name))


def load_deployment(path: Path) -> Deployment:
    """Reads the record that the deployment wrote; raises DeploymentMissing."""
    try:
        return Deployment(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise DeploymentMissing(
            f"{path} does not exist: deploy the contracts first (scripts/deploy.py)."
        ) from None


def save_deployment(path: Path, deployment: Deployment) -> None:
    """Writes the record in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(deployment), indent=2) + "\n")
    temporary.replace(path)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a contract refuses: the rule's name, its values, a sentence and the remedy."""

    name: str
    sentence: str
    remedy: str
    values: dict[str, Any]

    @property
    def message(self) -> str:
        """Sentence and remedy."""
        return f"{self.sentence} {self.remedy}"


def refusal_of(error: ContractError) -> Refusal:
    """A rule's error as what is shown of it."""
    sentence = str(error).removesuffix(f" {error.remedy}")
    return Refusal(type(error).__name__, sentence, error.remedy, error.values())


def explain_revert(error: Exception) -> Refusal | None:
    """The refusal behind a web3 exception; None if the exception is no revert."""
    if not isinstance(error, ContractLogicError):
        return None
    data = error.data if isinstance(error.data, str) else ""
    known = error_of_revert(data)
    if known is not None:
        return refusal_of(known)
    return Refusal(
        "ContractRefused",
        f"The contract refuses this: {error.message or data or 'no reason given'}.",
        "The reason is not one of the ledger's own rules; look it up in the contract called.",
        {"data": data},
    )
