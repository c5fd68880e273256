"""A peer on the same chain in the same run: OpenZeppelin's parts, from `OpenZeppelinPeers.sol`.

Compiled by the compiler and with the settings of the ledger's own contracts.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from node.bench.acts import OPENZEPPELIN, gas_figure
from node.bench.figures import Figure
from node.bench.permits import sign_permit
from node.compilation import compile_file
from node.wallet import Wallet
from protocol import contracts as artifacts
from protocol.hashing import keccak256

SOURCE = Path(__file__).with_name("OpenZeppelinPeers.sol")
PUSHES = 32
"""A push costs more at an even place than at an odd one: the mean over some."""
BATCH, MANY = 50, 100
TOKENS = 10**12
ROLE = 1

Costs = Iterator[tuple[str, float]]


def measure_openzeppelin(web3: Web3) -> Iterator[Figure]:
    """What the acts here cost with OpenZeppelin's parts."""
    peers = Peers(web3)
    for name, gas in chain(
        _log(peers), _proofs(peers), _marks(peers), _vault(peers), _payments(peers), _token(peers)
    ):
        yield gas_figure(OPENZEPPELIN, name, gas)
    for name in ("delegate to an operator", "bind an account"):
        yield gas_figure(OPENZEPPELIN, name, peers.grant_role())


class Peers:
    """The contracts of the file, deployed by a wallet."""

    def __init__(self, web3: Web3) -> None:
        self.wallet = Wallet(web3, Account.create())
        self._compiled = compile_file(SOURCE)
        name = "AccessManager"
        data = artifacts.bytecode(name)
        self._manager = self._create(artifacts.abi(name), data, self.wallet.address)

    def deploy(self, name: str, *arguments: Any) -> Contract:
        """One of the contracts, new."""
        compiled = self._compiled[name]
        return self._create(compiled.abi, compiled.creation, *arguments)

    def gas(self, function: ContractFunction) -> int:
        """Gas of a call by the wallet."""
        return self.wallet.call(function).gas_used

    def token(self) -> Contract:
        """A token of which the wallet and a stranger have some."""
        token = self.deploy("PeerToken")
        for address in (self.wallet.address, new_address()):
            self.gas(token.functions.mint(address, TOKENS))
        return token

    def grant_role(self) -> int:
        """Gas of giving an account a role for the first time."""
        return self.gas(self._manager.functions.grantRole(ROLE, new_address(), 0))

    def _create(self, abi: Any, creation: bytes, *arguments: Any) -> Contract:
        contract = self.wallet.web3.eth.contract(abi=abi, bytecode=creation)
        data = contract.constructor(*arguments).data_in_transaction
        address = self.wallet.send({"data": data}).contract_address
        assert address is not None
        return self.wallet.web3.eth.contract(address=address, abi=abi)


def new_address() -> str:
    """An account that nothing is known of."""
    return str(Account.create().address)


def _leaves(count: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(count)]


def _log(peers: Peers) -> Costs:
    log = peers.deploy("PeerLog").functions
    peers.gas(log.pushMany(_leaves(2 * PUSHES)))
    yield "anchor 1", sum(peers.gas(log.push(leaf)) for leaf in _leaves(PUSHES)) / PUSHES
    yield "anchor 8", peers.gas(log.pushMany(_leaves(8)))
    for size in (100, 1_000):
        yield f"anchor {size}, each", peers.gas(log.pushMany(_leaves(size))) / size
    name = f"anchor {BATCH} padded to 64, each of {BATCH}"
    yield name, peers.gas(log.pushMany(_leaves(BATCH))) / BATCH


def _proofs(peers: Peers) -> Costs:
    proofs = peers.deploy("PeerProofs").functions
    for size in (8, 10_000):
        path = _leaves((size - 1).bit_length())
        leaf = node = secrets.token_bytes(32)
        for sibling in path:
            node = keccak256(min(node, sibling) + max(node, sibling))
        peers.gas(proofs.addRoot(node))
        verify = proofs.verify(path, node, leaf)
        assert verify.call()
        yield f"isActive of {size}", peers.gas(verify)


def _marks(peers: Peers) -> Costs:
    marks = peers.deploy("PeerMarks")
    own = peers.gas(marks.functions.mark(secrets.token_bytes(32)))
    yield "withdraw", own
    yield "revoke by the issuer", own
    one = marks.functions.markBySignature(_sign_mark(marks))
    yield "withdraw by signature", peers.gas(one)
    many = marks.functions.markManyBySignature([_sign_mark(marks) for _ in range(MANY)])
    yield f"withdraw {MANY} by signature, each", peers.gas(many) / MANY


def _sign_mark(marks: Contract) -> tuple[str, bytes, bytes]:
    """A random leaf marked by a new holder."""
    holder, leaf = Account.create(), secrets.token_bytes(32)
    signed = Account.sign_typed_data(
        holder.key,
        domain_data={
            "name": "Marks",
            "version": "1",
            "chainId": marks.w3.eth.chain_id,
            "verifyingContract": marks.address,
        },
        message_types={"Mark": [{"name": "leaf", "type": "bytes32"}]},
        message_data={"leaf": leaf},
    )
    return holder.address, leaf, bytes(signed.signature)


def _vault(peers: Peers) -> Costs:
    """As here: the first deposit ever takes all that is approved, the next one a part."""
    token = peers.token()
    vault = peers.deploy("PeerVault", token.address)
    approve, deposit = token.functions.approve, vault.functions.deposit
    peers.gas(approve(vault.address, TOKENS))
    yield "deposit, first ever", peers.gas(deposit(TOKENS, peers.wallet.address))
    peers.gas(token.functions.mint(peers.wallet.address, TOKENS))
    peers.gas(approve(vault.address, TOKENS))
    yield "deposit, next", peers.gas(deposit(TOKENS // 2, peers.wallet.address))
    withdraw = vault.functions.withdraw(1, new_address(), peers.wallet.address)
    yield "claim", peers.gas(withdraw)


def _payments(peers: Peers) -> Costs:
    token, payments = peers.token(), peers.deploy("PeerPayments")
    peers.gas(token.functions.transfer(payments.address, TOKENS))
    to = [new_address(), new_address(), new_address()]
    amounts = [9_406_440, 3_249_675, 578_465]  # as two lines bring for 1,000 units
    pay = payments.functions.pay
    yield "settle 2 lines, first ever", peers.gas(pay(token.address, to, amounts))
    for order in ("first in a period", "next"):
        yield f"settle 2 lines, {order}", peers.gas(pay(token.address, to, amounts))
    gas = peers.gas(pay(token.address, to * BATCH, amounts * BATCH))
    yield f"settle 2 lines, {BATCH} in a batch, each", gas / BATCH


def _token(peers: Peers) -> Costs:
    token, account = peers.token(), new_address()
    for order in ("first to an account", "next"):
        yield f"issue tokens, {order}", peers.gas(token.functions.mint(account, TOKENS))
    account = new_address()
    for order in ("first to an account", "next"):
        yield f"transfer tokens, {order}", peers.gas(token.functions.transfer(account, 1_000))
    yield "permit, first", peers.gas(sign_permit(peers.wallet, token, account, TOKENS))
