"""Whether the contracts on chain are those of the sources, byte for byte.

Two comparisons for each: the code on chain with the compiler's, apart from the places that the
constructor fills; and what created it with the compiler's creation code and the recorded
constructor arguments, which leaves nothing open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound

from node.compilation import Compiled
from node.contracts import Deployment, ProposerRecord
from node.deployment import created_address
from node.multi_signature import FACTORY, PROXY, SINGLETON, created_account
from protocol import contracts as artifacts


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """One contract; `creation_agrees` is None where the creating transaction is not recorded."""

    name: str
    address: str
    size_bytes: int
    code_agrees: bool
    creation_agrees: bool | None

    @property
    def agrees(self) -> bool:
        """Whether both were compared and are equal."""
        return self.code_agrees and self.creation_agrees is True


def verify_contracts(
    web3: Web3, deployment: Deployment, compiled: Mapping[str, Compiled]
) -> list[ContractCheck]:
    """One check a contract, in the order of the deployment."""
    return [_verify(web3, deployment, name, compiled[name]) for name in deployment.addresses]


def verify_proposer(web3: Web3, proposer: ProposerRecord) -> list[ContractCheck]:
    """The same of the Safe that proposes and of the code behind it, which its makers compiled."""
    return [
        ContractCheck(
            name=name,
            address=address,
            size_bytes=len(code := bytes(web3.eth.get_code(to_checksum_address(address)))),
            code_agrees=code == artifacts.deployed_bytecode(name),
            creation_agrees=_account_agrees(proposer)
            if name == PROXY
            else _created_with(
                web3, proposer.transaction_hashes.get(name), address, artifacts.bytecode(name)
            ),
        )
        for name, address in proposer.addresses.items()
    ]


def _account_agrees(proposer: ProposerRecord) -> bool:
    """Whether the account is where these owners' is and no other: that proves its creation."""
    at = proposer.addresses
    account = created_account(at[FACTORY], at[SINGLETON], proposer.owners, proposer.threshold)
    return account == at[PROXY]


def _verify(web3: Web3, deployment: Deployment, name: str, compiled: Compiled) -> ContractCheck:
    address = deployment.address_of(name)
    code = bytes(web3.eth.get_code(address))
    return ContractCheck(
        name=name,
        address=address,
        size_bytes=len(code),
        code_agrees=compiled.without_immutables(code) == compiled.runtime,
        creation_agrees=_creation_agrees(web3, deployment, name, compiled),
    )


def _creation_agrees(
    web3: Web3, deployment: Deployment, name: str, compiled: Compiled
) -> bool | None:
    contract = web3.eth.contract(abi=artifacts.abi(name), bytecode=compiled.creation)
    expected = contract.constructor(*deployment.constructor_arguments[name]).data_in_transaction
    recorded = deployment.transaction_hashes.get(name)
    return _created_with(web3, recorded, deployment.address_of(name), bytes(HexBytes(expected)))


def _created_with(web3: Web3, recorded: str | None, address: str, creation: bytes) -> bool | None:
    """Whether the recorded transaction created what is at the address, and with these bytes."""
    if recorded is None:
        return None
    try:
        created_by = web3.eth.get_transaction(HexBytes(recorded))
    except TransactionNotFound:
        return False
    return (
        created_address(created_by["from"], created_by["nonce"]) == address
        and created_by.get("to") is None
        and bytes(created_by["input"]) == creation
    )
