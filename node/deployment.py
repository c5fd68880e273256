"""Deploys the contracts once, in an order in which nobody ever holds power but the timelock.

A fresh deployer key with nonce 0 makes every address known beforehand, so that contracts which
know each other need no setter, and a deployment that was cut off goes on where it stopped.
"""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from rlp import encode as rlp_encode
from web3 import Web3
from web3.types import TxData

from node.contracts import ALL_CONTRACTS, Deployment
from node.wallet import Wallet
from protocol import contracts as artifacts

ANYONE = "0x0000000000000000000000000000000000000000"
ORDER = (
    "TimelockController",
    "AccessManager",
    "ParticipantRegistry",
    "CommissionPolicy",
    "AgreementRegistry",
    "ConsentRegistry",
    "UsageToken",
    "UsageSettlement",
    "CommonsTreasury",
)
assert set(ORDER) == set(ALL_CONTRACTS)


class DeploymentRefused(Exception):
    """The chain is not in a state in which the contracts can be deployed."""


def created_address(deployer: str, nonce: int) -> str:
    """Address of the contract that `deployer` creates with `nonce`: keccak256(rlp([deployer,
    nonce])), last 20 bytes (Ethereum yellow paper, section 7)."""
    encoded = rlp_encode([bytes.fromhex(deployer.removeprefix("0x")), nonce])
    return to_checksum_address(keccak(encoded)[12:])


def plan_deployment(
    deployer: str,
    proposer: str,
    timelock_delay_seconds: int,
    initial_rates_bps: dict[int, int],
) -> dict[str, tuple[str, list[Any]]]:
    """Name → (address, constructor arguments), in order of the deployer's nonces from 0."""
    at = {name: created_address(deployer, nonce) for nonce, name in enumerate(ORDER)}
    rates = [[category, rate] for category, rate in sorted(initial_rates_bps.items())]
    authority, registry = at["AccessManager"], at["ParticipantRegistry"]
    arguments: dict[str, list[Any]] = {
        "TimelockController": [timelock_delay_seconds, [proposer], [ANYONE], ANYONE],
        "AccessManager": [at["TimelockController"]],
        "ParticipantRegistry": [authority],
        "CommissionPolicy": [authority, rates],
        "AgreementRegistry": [registry, at["CommissionPolicy"]],
        "ConsentRegistry": [authority, registry, at["AgreementRegistry"]],
        "UsageToken": [authority, registry, at["UsageSettlement"], at["CommonsTreasury"]],
        "UsageSettlement": [
            registry,
            at["AgreementRegistry"],
            at["CommissionPolicy"],
            at["UsageToken"],
            at["CommonsTreasury"],
        ],
        "CommonsTreasury": [authority, at["UsageToken"]],
    }
    return {name: (at[name], arguments[name]) for name in ORDER}


def deploy(
    web3: Web3,
    deployer: LocalAccount,
    proposer: str,
    timelock_delay_seconds: int,
    initial_rates_bps: dict[int, int],
    known: Deployment | None = None,
) -> Deployment:
    """Deploys what is missing. Idempotent: the deployer's nonce says how far it got, and `known`,
    the record of an earlier run, is given back where all of it is on the chain.

    Raises DeploymentRefused if the deployer has sent anything else, or if what an earlier run
    deployed or recorded was asked for otherwise.
    """
    plan = plan_deployment(deployer.address, proposer, timelock_delay_seconds, initial_rates_bps)
    places = [to_checksum_address(address) for address, _ in plan.values()]
    if known is not None and all(web3.eth.get_code(place) for place in places):
        _require_recorded_alike(plan, known)
        return known
    wallet = Wallet(web3, deployer)
    hashes: dict[str, str] = {}
    blocks: list[int] = []
    done = web3.eth.get_transaction_count(deployer.address)
    for nonce, (name, (address, arguments)) in enumerate(plan.items()):
        contract = web3.eth.contract(abi=artifacts.abi(name), bytecode=artifacts.bytecode(name))
        data = contract.constructor(*arguments).data_in_transaction
        if nonce < done:
            created = sent_transaction(web3, deployer.address, nonce)
            if created.get("to") is not None or bytes(created["input"]) != bytes(HexBytes(data)):
                raise DeploymentRefused(
                    f"The deployer {deployer.address} has sent transaction {nonce}, but it is not "
                    f"the creation of {name} with the arguments {arguments}: repeat what the "
                    "first run was asked for, or use a fresh deployer key."
                )
            hashes[name] = created["hash"].to_0x_hex()
            blocks.append(created["blockNumber"])
            continue
        receipt = wallet.send({"data": data})
        hashes[name] = receipt.transaction_hash
        blocks.append(receipt.block_number)
        if receipt.contract_address != address:
            raise DeploymentRefused(
                f"{name} was created at {receipt.contract_address}, not at {address}: another "
                "transaction of the deployer came between. Use a fresh deployer key."
            )
    return Deployment(
        chain_id=web3.eth.chain_id,
        genesis_hash=web3.eth.get_block(1)["parentHash"].to_0x_hex(),
        block_number=min(blocks),
        addresses={name: address for name, (address, _) in plan.items()},
        constructor_arguments={name: arguments for name, (_, arguments) in plan.items()},
        transaction_hashes=hashes,
    )


def require_free_gas(web3: Web3) -> None:
    """Raises DeploymentRefused on a chain that asks a price for gas, which no key here pays."""
    base_fee = web3.eth.get_block("latest").get("baseFeePerGas", 0)
    if base_fee:
        raise DeploymentRefused(
            f"The chain asks a base fee of {base_fee:,} wei a unit of gas, and the ledger's keys "
            "hold no money to pay it: choose a chain that is configured with a base fee of 0."
        )


def _require_recorded_alike(plan: dict[str, tuple[str, list[Any]]], known: Deployment) -> None:
    for name, (address, arguments) in plan.items():
        recorded = (known.addresses[name], known.constructor_arguments[name])
        if recorded != (address, arguments):
            raise DeploymentRefused(
                f"{name} is deployed at {recorded[0]} with {recorded[1]}, and was asked for at "
                f"{address} with {arguments}: what is on chain changes by governance alone."
            )


def sent_transaction(web3: Web3, sender: str, nonce: int) -> TxData:
    """What an account sent with a nonce, found by halving: its block is the first after which the
    account has sent more."""
    account = to_checksum_address(sender)
    lowest, highest = 1, int(web3.eth.block_number)
    while lowest < highest:
        middle = (lowest + highest) // 2
        if web3.eth.get_transaction_count(account, middle) > nonce:
            highest = middle
        else:
            lowest = middle + 1
    for transaction in web3.eth.get_block(lowest, full_transactions=True)["transactions"]:
        assert not isinstance(transaction, bytes)
        if (transaction["from"], transaction["nonce"]) == (account, nonce):
            return transaction
    raise DeploymentRefused(
        f"Transaction {nonce} of {sender} is not in block {lowest}: ask a node with the chain's "
        "history, or use a fresh deployer key."
    )
