"""Keys that sign transactions: in a file beside the node, or in a signer of their own."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import msgspec
import rlp
import urllib3
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from protocol.errors import SignatureInvalid
from protocol.hashing import keccak256
from protocol.signatures import SIGNATURE_LENGTH, recover_signer, sign_digest
from protocol.types import Hash32, to_hex

EIP155_OFFSET = 35
RECOVERY_OFFSET = 27
HTTP_OK, HTTP_NOT_FOUND = 200, 404
PUBLIC_KEY_LENGTH, ADDRESS_LENGTH = 64, 20
"""Of a key without the byte 04 that some write before it, and of the end of its keccak256."""
TIMEOUT_SECONDS = 10.0


class LegacyTransaction(NamedTuple):
    """A transaction before EIP-2718, as EBSI's chains take it; amounts in wei."""

    nonce: int
    gas_price_wei: int
    gas: int
    to: bytes
    value_wei: int
    data: bytes


class SignedTransaction(NamedTuple):
    """The bytes that a node takes, and their hash."""

    raw: bytes
    hash: bytes


class SignerUnreachable(Exception):
    """The signer did not sign. Worth trying again later."""


class Signer(Protocol):
    """One key on one chain."""

    @property
    def address(self) -> bytes:
        """20 bytes."""

    def sign(self, transaction: LegacyTransaction) -> SignedTransaction:
        """Signs for the chain (EIP-155). Raises SignerUnreachable."""


class MessageSigner(Signer, Protocol):
    """A key that signs what its organisation agrees to, too."""

    def sign_message(self, message: bytes) -> bytes:
        """The signature of a message's keccak256, 65 bytes. Raises SignerUnreachable."""


class KeySigner:
    """A key in this process's memory."""

    def __init__(self, account: LocalAccount, chain_id: int) -> None:
        self.address = bytes.fromhex(account.address[2:])
        self._account = account
        self._chain_id = chain_id

    def sign(self, transaction: LegacyTransaction) -> SignedTransaction:
        """Signs for the chain (EIP-155)."""
        fields: dict[str, Any] = {
            "nonce": transaction.nonce,
            "gasPrice": transaction.gas_price_wei,
            "gas": transaction.gas,
            "to": to_checksum_address(transaction.to),
            "value": transaction.value_wei,
            "data": to_hex(transaction.data),
            "chainId": self._chain_id,
        }
        signed = self._account.sign_transaction(fields)
        return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash))

    def sign_message(self, message: bytes) -> bytes:
        """The signature of a message's keccak256, 65 bytes."""
        return sign_digest(bytes(self._account.key), Hash32(keccak256(message)))


class RemoteSigner:
    """A key that never leaves its signer: web3signer's `/api/v1/eth1/sign/{identifier}`, whose
    answer is the signature of keccak256 of what is sent (also the form of EIP-3030). web3signer
    knows a key by its public key, which it lists; a signer without a list by the address."""

    def __init__(self, url: str, address: bytes, chain_id: int) -> None:
        self.address = address
        self._url = f"{url.rstrip('/')}/api/v1/eth1"
        self._identifier: str | None = None
        self._chain_id = chain_id
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS)

    def sign(self, transaction: LegacyTransaction) -> SignedTransaction:
        """Signs for the chain (EIP-155). Raises SignerUnreachable."""
        message = rlp.encode([*transaction, self._chain_id, 0, 0])
        signature = self.sign_message(message)
        r, s = (int.from_bytes(signature[start : start + 32]) for start in (0, 32))
        parity = signature[64] - RECOVERY_OFFSET
        raw = rlp.encode([*transaction, self._chain_id * 2 + EIP155_OFFSET + parity, r, s])
        return SignedTransaction(raw, keccak256(raw))

    def sign_message(self, message: bytes) -> bytes:
        """The signature of a message's keccak256, 65 bytes. Raises SignerUnreachable."""
        signature = self._ask(message)
        try:
            signer = recover_signer(Hash32(keccak256(message)), signature)
        except SignatureInvalid as error:
            raise SignerUnreachable(f"The signer gave no valid signature: {error}") from error
        if signer != self.address:
            raise SignerUnreachable(
                f"The signer signed with {to_hex(signer)}, not with {to_hex(self.address)}."
            )
        return signature

    def _ask(self, message: bytes) -> bytes:
        """65 bytes r | s | v, v as 27 or 28 whichever way the signer counts."""
        if self._identifier is None:
            self._identifier = self._find_identifier()
        path = f"sign/{self._identifier}"
        status, answer = self._request("POST", path, json={"data": to_hex(message)})
        said = answer.decode(errors="replace").strip().strip('"')
        if status != HTTP_OK:
            self._identifier = None  # the keys may be others by now
            raise SignerUnreachable(f"The signer answered {status}: {said[:200]}")
        try:
            signature = bytes.fromhex(said.removeprefix("0x"))
        except ValueError:
            signature = b""
        if len(signature) != SIGNATURE_LENGTH:
            raise SignerUnreachable(f"The signer answered no signature: {said[:200]}")
        is_counted_from_0 = signature[64] < RECOVERY_OFFSET
        return signature[:64] + bytes([signature[64] + RECOVERY_OFFSET * is_counted_from_0])

    def _find_identifier(self) -> str:
        """What the signer calls the key."""
        status, answer = self._request("GET", "publicKeys")
        if status == HTTP_NOT_FOUND:
            return to_hex(self.address)
        try:
            listed = msgspec.json.decode(answer, type=list[str])
            keys = {each: bytes.fromhex(each.removeprefix("0x")) for each in listed}
        except (msgspec.MsgspecError, ValueError) as error:
            said = answer[:200].decode(errors="replace")
            raise SignerUnreachable(f"The signer lists no keys ({status}): {said}") from error
        for each, key in keys.items():
            if keccak256(key[-PUBLIC_KEY_LENGTH:])[-ADDRESS_LENGTH:] == self.address:
                return each
        raise SignerUnreachable(
            f"The signer has no key of {to_hex(self.address)}, it lists {len(keys)}: add the key "
            "there, or correct PTX_SIGNER_ADDRESS."
        )

    def _request(self, method: str, path: str, **body: Any) -> tuple[int, bytes]:
        try:
            response = self._pool.request(method, f"{self._url}/{path}", **body)
        except urllib3.exceptions.HTTPError as error:
            raise SignerUnreachable(f"The signer did not answer: {error!r}") from error
        return response.status, response.data
