"""A key that sends its own transactions and waits for each: deployment, governance, organisations.

The node's own acts go through the outbox and the sender instead.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import TxParams, TxReceipt

from node.bootstrap import NodeNotReady
from node.config import Settings
from node.refusals import explain_revert

RECEIPT_TIMEOUT_SECONDS = 60.0


class TransactionReverted(Exception):
    """The chain refused a transaction; the message is the decoded reason with its remedy."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a caller shows of a mined transaction."""

    transaction_hash: str
    block_number: int
    gas_used: int
    seconds: float
    contract_address: ChecksumAddress | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """One key on one chain."""

    web3: Web3
    account: LocalAccount

    @property
    def address(self) -> ChecksumAddress:
        """EIP-55 address of the key."""
        return self.account.address

    def call(self, function: ContractFunction) -> Receipt:
        """Sends a contract call and waits for its receipt; raises TransactionReverted."""
        return self.send({"to": function.address, "data": function._encode_transaction_data()})

    def send(self, request: TxParams) -> Receipt:
        """Sends a legacy transaction at gas price 0 and waits for its receipt."""
        started = time.monotonic()
        request = {
            **request,
            "from": self.address,
            "value": request.get("value", Web3.to_wei(0, "wei")),
        }
        try:
            gas = self.web3.eth.estimate_gas(request)
        except Exception as error:
            reason = explain_revert(error)
            if reason is None:
                raise
            raise TransactionReverted(reason.message) from error
        transaction: TxParams = {
            **request,
            "gas": gas + gas // 5,
            "gasPrice": Web3.to_wei(0, "wei"),
            "nonce": self.web3.eth.get_transaction_count(self.address, "pending"),
            "chainId": self.web3.eth.chain_id,
        }
        fields: dict[str, Any] = {**transaction}
        signed = self.account.sign_transaction(fields)
        receipt = self.wait(self.web3.eth.send_raw_transaction(signed.raw_transaction))
        return Receipt(
            transaction_hash=receipt["transactionHash"].to_0x_hex(),
            block_number=receipt["blockNumber"],
            gas_used=receipt["gasUsed"],
            seconds=time.monotonic() - started,
            contract_address=receipt["contractAddress"],
        )

    def wait(self, transaction_hash: HexBytes) -> TxReceipt:
        """Waits for a receipt; raises TransactionReverted if the transaction was mined in vain."""
        receipt = self.web3.eth.wait_for_transaction_receipt(
            transaction_hash, timeout=RECEIPT_TIMEOUT_SECONDS, poll_latency=0.02
        )
        if receipt["status"] != 1:
            raise TransactionReverted(
                f"Transaction {transaction_hash.to_0x_hex()} was mined and reverted."
            )
        return receipt


def connect_chain(settings: Settings) -> Web3:
    """web3 on the chain's address."""
    if settings.chain_url is None:
        raise NodeNotReady("CHAIN_URL is not set: `ptx-ledger run` brings a chain with it.")
    web3 = Web3(HTTPProvider(settings.chain_url, request_kwargs={"timeout": 30}))
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return web3


def require_chain(web3: Web3, chain_id: int) -> None:
    """Raises NodeNotReady unless this chain answers."""
    try:
        found = web3.eth.chain_id
    except (OSError, ValueError, Web3Exception) as error:
        url = getattr(web3.provider, "endpoint_uri", None)
        raise NodeNotReady(
            f"No chain answers at {url} ({type(error).__name__}): "
            "set CHAIN_URL to the address of its JSON-RPC interface."
        ) from error
    if found != chain_id:
        raise NodeNotReady(f"The chain is {found}, not {chain_id}: set PTX_CHAIN_ID.")
