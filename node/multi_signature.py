"""The account that proposes to the timelock: a Safe, of which several owners sign every act.

Deployed from the bytecode that its makers publish (npm @safe-global/safe-smart-account). As with
the ledger's contracts, a fresh deployer key makes its address known beforehand, and a deployment
that was cut off goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import Web3RPCError

from node.contracts import ProposerRecord
from node.deployment import DeploymentRefused, created_address, sent_transaction
from node.wallet import Receipt, Wallet
from protocol import contracts as artifacts
from protocol.signatures import sign_digest
from protocol.types import Hash32

SINGLETON, PROXY, FACTORY = "SafeL2", "SafeProxy", "SafeProxyFactory"
CODE = (SINGLETON, FACTORY)
"""What an account needs on the chain, in the order of its deployer's nonces."""

NOBODY = "0x0000000000000000000000000000000000000000"
FIRST_MODULE = "0x0000000000000000000000000000000000000001"
MODULES_MAX = 10
OWNERS_TOGETHER_MIN = 2
CALL = 0
SALT_NONCE = 0


def deploy_multi_signature(
    web3: Web3,
    deployer: LocalAccount,
    owners: Sequence[str],
    threshold: int,
    known: ProposerRecord | None = None,
) -> ProposerRecord:
    """The account of these owners, of which `threshold` sign together; deploys what is missing.
    `known`, the record of an earlier run, is given back where all of it is on the chain.

    Raises DeploymentRefused if one owner could act alone, the deployer has sent anything else, or
    the earlier run was asked for other owners.
    """
    if not OWNERS_TOGETHER_MIN <= threshold <= len(set(owners)):
        raise DeploymentRefused(
            f"{threshold} signatures of {len(set(owners))} owners: let at least two, and at most "
            "all, sign together."
        )
    if known is not None and all(_has_code(web3, place) for place in known.addresses.values()):
        _require_owned_alike(known, owners, threshold)
        return known
    wallet = Wallet(web3, deployer)
    at = {name: created_address(deployer.address, i) for i, name in enumerate(CODE)}
    hashes: dict[str, str] = {}
    for nonce, (name, address) in enumerate(at.items()):
        if web3.eth.get_transaction_count(deployer.address) == nonce:
            hashes[name] = wallet.send({"data": artifacts.bytecode(name)}).transaction_hash
        elif sent := _sent_hash(web3, deployer.address, nonce):
            hashes[name] = sent
        if not _has_code(web3, address):
            raise DeploymentRefused(f"{name} is not at {address}: use a fresh deployer key.")
    account = created_account(at[FACTORY], at[SINGLETON], owners, threshold)
    if not _has_code(web3, account):
        # Whoever sends the same first creates the same account for the same owners.
        factory = web3.eth.contract(
            address=to_checksum_address(at[FACTORY]), abi=artifacts.abi(FACTORY)
        )
        initializer = set_up_call(owners, threshold)
        wallet.call(factory.functions.createProxyWithNonce(at[SINGLETON], initializer, SALT_NONCE))
    return ProposerRecord(list(owners), threshold, {PROXY: account, **at}, hashes)


def set_up_call(owners: Sequence[str], threshold: int) -> bytes:
    """What an account is told at its creation: its owners, no module and no payment."""
    set_up = Web3().eth.contract(abi=artifacts.abi(SINGLETON)).functions.setup
    return bytes.fromhex(
        set_up(list(owners), threshold, NOBODY, b"", NOBODY, NOBODY, 0, NOBODY)
        ._encode_transaction_data()
        .removeprefix("0x")
    )


def created_account(
    factory: str, singleton: str, owners: Sequence[str], threshold: int
) -> ChecksumAddress:
    """Where the factory puts the account of these owners: keccak256(0xff ‖ factory ‖ salt ‖
    keccak256(creation)), last 20 bytes (EIP-1014), with the salt keccak256(keccak256(set-up call) ‖
    SALT_NONCE). No other account can be there."""
    creation = artifacts.bytecode(PROXY) + encode(["address"], [singleton])
    salt = keccak(keccak(set_up_call(owners, threshold)) + SALT_NONCE.to_bytes(32))
    where = b"\xff" + bytes.fromhex(factory[2:]) + salt + keccak(creation)
    return to_checksum_address(keccak(where)[12:])


def _has_code(web3: Web3, address: str) -> bool:
    return bool(web3.eth.get_code(to_checksum_address(address)))


def _sent_hash(web3: Web3, sender: str, nonce: int) -> str | None:
    """Hash of what an account sent with a nonce; None from a chain that keeps no history."""
    try:
        return sent_transaction(web3, sender, nonce)["hash"].to_0x_hex()
    except Web3RPCError:
        return None


def _require_owned_alike(known: ProposerRecord, owners: Sequence[str], threshold: int) -> None:
    if (known.owners, known.threshold) != (list(owners), threshold):
        raise DeploymentRefused(
            f"The proposer {known.addresses[PROXY]} is deployed with {known.threshold} signatures "
            f"of {', '.join(known.owners)}, and was asked for with {threshold} of "
            f"{', '.join(owners)}: its owners change it by acts of their own."
        )


@dataclass(frozen=True, slots=True)
class Ownership:
    """Of these owners, `threshold` sign each act together; a module acts without them."""

    threshold: int
    owners: tuple[ChecksumAddress, ...]
    modules: tuple[ChecksumAddress, ...]

    @property
    def is_shared(self) -> bool:
        """Whether nobody acts alone."""
        return self.threshold >= OWNERS_TOGETHER_MIN and not self.modules


def ownership_of(web3: Web3, address: str) -> Ownership | None:
    """Who signs for an account; None unless its code is the published one, byte for byte."""
    account = to_checksum_address(address)
    if bytes(web3.eth.get_code(account)) != artifacts.deployed_bytecode(PROXY):
        return None
    singleton = to_checksum_address(web3.eth.get_storage_at(account, 0)[-20:])
    if bytes(web3.eth.get_code(singleton)) != artifacts.deployed_bytecode(SINGLETON):
        return None
    safe = web3.eth.contract(address=account, abi=artifacts.abi(SINGLETON))
    modules, _ = safe.functions.getModulesPaginated(FIRST_MODULE, MODULES_MAX).call()
    return Ownership(
        safe.functions.getThreshold().call(),
        tuple(safe.functions.getOwners().call()),
        tuple(modules),
    )


def require_shared(web3: Web3, address: str) -> None:
    """Raises DeploymentRefused unless nobody acts alone as this account."""
    ownership = ownership_of(web3, address)
    if ownership is None or not ownership.is_shared:
        raise DeploymentRefused(
            f"{address} is no Safe of which at least two owners sign and no module acts alone: "
            "name the owners instead, and one is deployed for them."
        )


@dataclass(frozen=True, slots=True)
class MultiSignature:
    """A Safe with the keys of those owners that sign here; `wallet` sends and pays."""

    wallet: Wallet
    address: ChecksumAddress
    signers: tuple[LocalAccount, ...]

    @property
    def web3(self) -> Web3:
        """The chain that it is on."""
        return self.wallet.web3

    def call(self, function: ContractFunction) -> Receipt:
        """Carries out a contract call as the account; raises TransactionReverted."""
        safe = self.web3.eth.contract(address=self.address, abi=artifacts.abi(SINGLETON))
        data = Web3.to_bytes(hexstr=function._encode_transaction_data())
        act = (function.address, 0, data, CALL, 0, 0, 0, NOBODY, NOBODY)
        digest = safe.functions.getTransactionHash(*act, safe.functions.nonce().call()).call()
        # The account takes the signatures in the order of their owners' addresses alone.
        ordered = sorted(self.signers, key=lambda owner: int(owner.address, 16))
        signatures = b"".join(sign_digest(bytes(each.key), Hash32(digest)) for each in ordered)
        return self.wallet.call(safe.functions.execTransaction(*act, signatures))
