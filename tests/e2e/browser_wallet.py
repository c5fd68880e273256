"""A wallet for tests: announced in the page as EIP-6963 asks, its key and its moods in Python.

It signs typed data with eth-account, so the page is not checked against our own EIP-712 code.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from coincurve import PublicKey
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct, encode_typed_data
from web3 import Web3

from node.wallet import Wallet
from protocol.commitments import CURVE_ORDER
from protocol.holder_keys import derive_holder_key, holder_seed_message, seed_from_signature

ANNOUNCE = """
(() => {
  const request = async ({ method, params }) => {
    const answer = JSON.parse(await window.askTestWallet(method, JSON.stringify(params ?? [])));
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result;
  };
  const detail = Object.freeze({
    info: { uuid: crypto.randomUUID(), name: NAME, icon: "data:,", rdns: "test.wallet" },
    provider: { request, on() {}, removeListener() {} },
  });
  const announce = () =>
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
"""


class WalletError(Exception):
    """What a wallet answers instead of a result (EIP-1193)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BrowserWallet:
    """One account. `mood` makes it misbehave for one test; `asked` lists the methods called."""

    def __init__(self, name: str = "Test Wallet", secret: bytes | None = None) -> None:
        self.name = name
        self.account = Account.from_key(secret or secrets.token_bytes(32))
        self.asked: list[str] = []
        self.signed: list[dict[str, Any]] = []
        self.mood: Callable[[BrowserWallet, str, list[Any]], Any] | None = None
        self.chain: Web3 | None = None

    def install(self, context: Any) -> None:
        """Announces the wallet in every page of a browser context."""
        door = f"ask{''.join(filter(str.isalnum, self.name))}"
        context.expose_function(door, self._answer)
        context.add_init_script(self.announcement().replace("askTestWallet", door))

    def announcement(self) -> str:
        """The script that announces the wallet."""
        return ANNOUNCE.replace("NAME", json.dumps(self.name))

    def holder_secret(self, operator_did: str, chain_id: int, index: int) -> bytes:
        """The one-time key that the page must find, by the rules of `protocol`."""
        signature = self.sign(holder_seed_message(operator_did, chain_id))
        return derive_holder_key(seed_from_signature(signature), index)

    def sign(self, typed_data: dict[str, Any]) -> bytes:
        """65 bytes, the same each time."""
        message = encode_typed_data(full_message=typed_data)
        return bytes(self.account.sign_message(message).signature)

    def sign_differently(self, typed_data: dict[str, Any]) -> bytes:
        """A valid low-s signature with a random nonce: another one each time."""
        message = encode_typed_data(full_message=typed_data)
        digest = int.from_bytes(_hash_eip191_message(message))
        nonce = 1 + secrets.randbelow(CURVE_ORDER - 1)
        x, y = PublicKey.from_valid_secret(nonce.to_bytes(32)).point()
        r, parity = x % CURVE_ORDER, y % 2
        s = pow(nonce, -1, CURVE_ORDER) * (digest + r * int.from_bytes(self.account.key))
        s %= CURVE_ORDER
        if s > CURVE_ORDER // 2:
            s, parity = CURVE_ORDER - s, 1 - parity
        return r.to_bytes(32) + s.to_bytes(32) + bytes([27 + parity])

    def answer(self, method: str, parameters: list[Any]) -> Any:
        """What an ordinary wallet answers when its owner agrees."""
        if method in ("eth_requestAccounts", "eth_accounts"):
            return [self.account.address]
        if method == "eth_signTypedData_v4":
            address, text = parameters
            assert address == self.account.address
            self.signed.append(json.loads(text))
            return "0x" + self.sign(self.signed[-1]).hex()
        if method == "personal_sign":
            text, address = parameters
            assert address == self.account.address
            message = encode_defunct(hexstr=text)
            return "0x" + bytes(self.account.sign_message(message).signature).hex()
        if self.chain is not None and method == "eth_chainId":
            return hex(self.chain.eth.chain_id)
        if self.chain is not None and method == "eth_sendTransaction":
            return self._send(self.chain, parameters[0])
        raise WalletError(4200, f"{method} is not supported")

    def _send(self, chain: Web3, asked: dict[str, Any]) -> str:
        """A transaction of its own, without a fee."""
        assert asked["from"] == self.account.address
        transaction = {
            "to": Web3.to_checksum_address(asked["to"]),
            "data": asked["data"],
            "value": int(asked["value"], 16),
            "nonce": chain.eth.get_transaction_count(self.account.address),
            "gas": 100_000,
            "gasPrice": 0,
            "chainId": chain.eth.chain_id,
        }
        signed = self.account.sign_transaction(transaction)
        return "0x" + chain.eth.send_raw_transaction(signed.raw_transaction).hex()

    def _answer(self, method: str, parameters: str) -> str:
        self.asked.append(method)
        act = self.mood or type(self).answer
        try:
            return json.dumps({"result": act(self, method, json.loads(parameters))})
        except WalletError as error:
            return json.dumps({"error": {"code": error.code, "message": str(error)}})


class SendingWallet(BrowserWallet):
    """The wallet of an account that sends its own transactions."""

    def __init__(self, wallet: Wallet) -> None:
        super().__init__(secret=bytes(wallet.account.key))
        self._wallet = wallet

    def answer(self, method: str, parameters: list[Any]) -> Any:
        """What the chain says where it is asked."""
        web3 = self._wallet.web3
        match method, parameters:
            case "eth_chainId", _:
                return hex(web3.eth.chain_id)
            case "eth_sendTransaction", [{"from": sender, "to": to, "data": data}]:
                assert sender == self.account.address
                sent = self._wallet.send({"to": Web3.to_checksum_address(to), "data": data})
                return sent.transaction_hash
            case "eth_getTransactionReceipt", [transaction]:
                receipt = web3.eth.get_transaction_receipt(transaction)
                return {name: hex(receipt[name]) for name in ("status", "blockNumber")}
        return super().answer(method, parameters)


def declining(wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
    """The owner says no to signatures."""
    if method == "eth_signTypedData_v4":
        raise WalletError(4001, "User rejected the request.")
    return wallet.answer(method, parameters)


def signing_differently(wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
    """Random nonces instead of those of RFC 6979."""
    if method == "eth_signTypedData_v4":
        return "0x" + wallet.sign_differently(json.loads(parameters[1])).hex()
    return wallet.answer(method, parameters)


def signing_by_owner(wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
    """A contract wallet that answers with the 65 bytes of one of its owners."""
    if method == "eth_signTypedData_v4":
        return "0x" + BrowserWallet().sign(json.loads(parameters[1])).hex()
    return wallet.answer(method, parameters)


def signing_at_length(wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
    """A contract wallet whose signature is longer (ERC-1271)."""
    if method == "eth_signTypedData_v4":
        return "0x" + "ab" * 194
    return wallet.answer(method, parameters)


def signing_with_high_s(wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
    """The other form of the same signature, which the ledger refuses."""
    if method == "eth_signTypedData_v4":
        signature = wallet.sign(json.loads(parameters[1]))
        s = CURVE_ORDER - int.from_bytes(signature[32:64])
        return "0x" + (signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])).hex()
    return wallet.answer(method, parameters)


def numbering_from_zero(wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
    """v is 0 or 1, as some hardware wallets have it; the ledger has 27 or 28."""
    answer = wallet.answer(method, parameters)
    if method in ("eth_signTypedData_v4", "personal_sign"):
        return f"{answer[:-2]}{int(answer[-2:], 16) - 27:02x}"
    return answer


class OnAnotherNetwork:
    """Signs only for the network that it is set to, as the widest-spread wallets do."""

    def __init__(self, knows_network: bool) -> None:
        self.knows_network = knows_network
        self.switched = False

    def __call__(self, wallet: BrowserWallet, method: str, parameters: list[Any]) -> Any:
        if method == "wallet_switchEthereumChain":
            if not self.knows_network:
                raise WalletError(4902, "Unrecognized chain ID")
            self.switched = True
            return None
        if method == "eth_signTypedData_v4" and not self.switched:
            chain_id = json.loads(parameters[1])["domain"]["chainId"]
            raise WalletError(
                -32603, f'Provided chainId "{chain_id}" must match the active chainId "1"'
            )
        return wallet.answer(method, parameters)
