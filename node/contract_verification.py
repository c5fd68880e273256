"""Whether the contracts on chain are those of the sources, byte for byte.

Two comparisons for each: the code on chain with the compiler's, apart from the places that the
constructor fills; and what created it with the compiler's creation code and the recorded
constructor arguments, which leaves nothing open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound

from node.compilation import Compiled
from node.contracts import Deployment
from node.deployment import created_address
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
    recorded = deployment.transaction_hashes.get(name)
    if recorded is None:
        return None
    try:
        created_by = web3.eth.get_transaction(HexBytes(recorded))
    except TransactionNotFound:
        return False
    contract = web3.eth.contract(abi=artifacts.abi(name), bytecode=compiled.creation)
    expected = contract.constructor(*deployment.constructor_arguments[name]).data_in_transaction
    address = created_address(created_by["from"], created_by["nonce"])
    return (
        address == deployment.address_of(name)
        and created_by.get("to") is None
        and bytes(created_by["input"]) == bytes(HexBytes(expected))
    )
