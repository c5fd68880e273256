"""A peer on the same chain in the same run: Raiden's deposits and signed IOUs.

Its contracts come from PyPI as their makers compiled them, pinned by hash. A payer deposits into
`UserDeposit` and signs IOUs, anybody brings these to `OneToN`, and the payee is paid out of the
deposit: the nearest to a deposit and a voucher. Raiden's pay for the finding of paths.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3
from web3.contract import Contract
from web3.types import RPCEndpoint

from node.bench.acts import RAIDEN, gas_figure
from node.bench.archives import fetch_archive
from node.bench.figures import Figure
from node.wallet import Wallet
from protocol.hashing import keccak256
from protocol.signatures import sign_digest

PACKAGE = "raiden-contracts==0.50.2"
PACKAGE_SHA512 = (
    "GJWWCQi76JVcl5RfaNdiVr/iwPlrT3UHGD9/QEwNwBqIcGIOMvFYO1Vm3x4iXt8R4ciLqBRDipTc6z91qlyPWw=="
)
CONTRACTS = "raiden_contracts/data/contracts.json"
BATCH = 50
TOKENS = 10**24
AMOUNT = 1_000
DEPOSIT = 100 * BATCH * AMOUNT
CLAIMABLE_UNTIL = 2**40
WITHDRAWAL_NOTICE_SECONDS = 100
IOU = 5
"""The kind of message that an IOU is among those that Raiden signs."""
IOU_BYTES = 188


def measure_raiden(web3: Web3) -> Iterator[Figure]:
    """What deposits, settlements and claims cost with Raiden's contracts."""
    service = PathService(web3)
    yield gas_figure(RAIDEN, "deposit, first ever", service.deposit(approved=DEPOSIT))
    yield gas_figure(RAIDEN, "deposit, next", service.deposit(approved=2 * DEPOSIT))
    payee = service.new_payee()
    yield gas_figure(RAIDEN, "settle 2 lines, first ever", service.claim(payee))
    yield gas_figure(RAIDEN, "settle 2 lines, first in a period", service.claim(payee))
    each = service.claim_many(payee, BATCH) / BATCH
    yield gas_figure(RAIDEN, f"settle 2 lines, {BATCH} in a batch, each", each)
    yield gas_figure(RAIDEN, "claim", service.withdraw(payee))


class PathService:
    """Raiden's token, register, deposits and IOUs, deployed anew, with a payer that has tokens."""

    def __init__(self, web3: Web3) -> None:
        self._payer = Wallet(web3, Account.create())
        self._relay = Wallet(web3, Account.create())
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--dest"]
            archive = fetch_archive(command, Path(folder), PACKAGE_SHA512)
            with zipfile.ZipFile(archive) as files:
                self._contracts = json.loads(files.read(CONTRACTS))["contracts"]
        self._token = self._deploy("CustomToken", TOKENS, 18, "token", "TKN")
        registration = (AMOUNT, 1, 1, 1, AMOUNT, 2**30)  # a price that stays, for long
        self._register = self._deploy(
            "ServiceRegistry", self._token.address, self._payer.address, *registration
        )
        self._deposits = self._deploy(
            "UserDeposit", self._token.address, TOKENS, WITHDRAWAL_NOTICE_SECONDS
        )
        self._ious = self._deploy(
            "OneToN", self._deposits.address, web3.eth.chain_id, self._register.address
        )
        # Nobody watches channels here: any contract may stand for the monitoring service.
        self._payer.call(self._deposits.functions.init(self._token.address, self._ious.address))
        self._depositor = Wallet(web3, Account.create())
        self._deposited = 0
        self._signed = 0

    def deposit(self, *, approved: int) -> int:
        """Gas of depositing DEPOSIT from an account that has and approved so many tokens: as here,
        the first deposit ever takes all of them, the next one a part."""
        by, deposits = self._depositor, self._deposits
        self._payer.call(self._token.functions.transfer(by.address, approved))
        by.call(self._token.functions.approve(deposits.address, approved))
        self._deposited += DEPOSIT
        deposit = deposits.functions.deposit(self._payer.address, self._deposited)
        return by.call(deposit).gas_used

    def new_payee(self) -> Wallet:
        """A registered service that nobody paid yet."""
        payee = Wallet(self._payer.web3, Account.create())
        self._payer.call(self._token.functions.transfer(payee.address, AMOUNT))
        payee.call(self._token.functions.approve(self._register.address, AMOUNT))
        payee.call(self._register.functions.deposit(AMOUNT))
        return payee

    def claim(self, payee: Wallet) -> int:
        """Gas of an IOU that a stranger brings."""
        iou, signature = self._sign(payee)
        return self._relay.call(self._ious.functions.claim(*iou, signature)).gas_used

    def claim_many(self, payee: Wallet, count: int) -> int:
        """Gas of some IOUs in one transaction."""
        signed = [self._sign(payee) for _ in range(count)]
        columns = [list(column) for column in zip(*(iou for iou, _ in signed), strict=True)]
        signatures = b"".join(signature for _, signature in signed)
        return self._relay.call(self._ious.functions.bulkClaim(*columns, signatures)).gas_used

    def withdraw(self, payee: Wallet) -> int:
        """Gas of taking out a part of what was paid, after its notice."""
        payee.call(self._deposits.functions.planWithdraw(AMOUNT))
        for method, given in (("evm_increaseTime", [WITHDRAWAL_NOTICE_SECONDS]), ("evm_mine", [])):
            payee.web3.provider.make_request(RPCEndpoint(method), given)
        return payee.call(self._deposits.functions.withdraw(AMOUNT)).gas_used

    def _sign(self, payee: Wallet) -> tuple[tuple[str, str, int, int], bytes]:
        """Another IOU of the payer: its last second tells it from the others."""
        self._signed += 1
        until = CLAIMABLE_UNTIL + self._signed
        payer = self._payer
        words = (payer.web3.eth.chain_id, IOU)
        message = bytes.fromhex(self._ious.address[2:]) + b"".join(n.to_bytes(32) for n in words)
        message += bytes.fromhex(payer.address[2:]) + bytes.fromhex(payee.address[2:])
        message += AMOUNT.to_bytes(32) + until.to_bytes(32)
        assert len(message) == IOU_BYTES
        digest = keccak256(f"\x19Ethereum Signed Message:\n{IOU_BYTES}".encode() + message)
        iou = (payer.address, payee.address, AMOUNT, until)
        return iou, sign_digest(bytes(payer.account.key), digest)

    def _deploy(self, name: str, *arguments: Any) -> Contract:
        compiled, web3 = self._contracts[name], self._payer.web3
        contract = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bin"])
        data = contract.constructor(*arguments).data_in_transaction
        address = self._payer.send({"data": data}).contract_address
        assert address is not None
        return web3.eth.contract(address=address, abi=compiled["abi"])
