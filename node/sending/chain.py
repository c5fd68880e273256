"""The chain as the sender needs it: what became of a key's transactions, and taking new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from indexer.chain import Bytes, Chain, Log, Number
from indexer.rpc import Call, ChainRefused, ChainUnreachable, Endpoint
from node.sending.answers import Answer, meaning_of
from protocol.types import to_hex


class Request(NamedTuple):
    """What a transaction does: calls `to` with `data`."""

    to: bytes
    data: bytes


class Reverted(Exception):
    """The contract called refuses. `data` is what it gave, hexadecimal."""

    def __init__(self, said: str, data: str) -> None:
        super().__init__(said)
        self.said = said
        self.data = data


class Mined(NamedTuple):
    """A transaction in a block."""

    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]


class Head(NamedTuple):
    """The newest block that a node knows."""

    number: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one node said at one time: its head, how many transactions of the key are in blocks,
    which of those that were asked for, and how much gas its newest block has room for."""

    head: Head
    nonce: int
    mined: Mapping[bytes, Mined]
    block_gas_max: int

    @property
    def newest_block(self) -> int:
        """A block may come after a node has named its head and before it says what is mined."""
        return max((self.head.number, *(each.block_number for each in self.mined.values())))


class SenderChain(Protocol):
    """What the sender asks. Everything raises ChainUnreachable; nothing is believed twice."""

    def identity(self) -> tuple[int, bytes]:
        """The chain's id and the hash of its first block, as the second one names it."""

    def head(self) -> Head:
        """The newest block."""

    def look_up(self, sender: bytes, hashes: Sequence[bytes]) -> Sighting:
        """What became of transactions, all by one node."""

    def estimate(self, sender: bytes, request: Request, price_wei: int) -> int:
        """Gas that a request takes now. Raises Reverted, ChainRefused."""

    def suggested_price(self) -> int:
        """Wei for a unit of gas."""

    def broadcast(self, raw: bytes, everywhere: bool) -> tuple[Answer, str]:
        """Offers signed bytes to the first node, or to all; the most useful answer, and its
        words."""

    def refusal(self, sender: bytes, request: Request, block_number: int) -> Reverted | None:
        """Why a request reverts on the state before a block; None if it does not, or nobody knows
        any more."""

    def who_used(
        self, sender: bytes, nonce: int, first: int, last: int
    ) -> tuple[bytes, int] | None:
        """The hash of the transaction with this nonce, and its block, among blocks first to
        last."""


class _Receipt(msgspec.Struct, frozen=True, rename="camel"):
    block_number: Number
    block_hash: Bytes
    gas_used: Number
    status: Number
    logs: tuple[Log, ...] = ()


class _Transaction(msgspec.Struct, frozen=True):
    hash: Bytes
    sender: Bytes = msgspec.field(name="from")
    nonce: Number


class _Block(msgspec.Struct, frozen=True):
    number: Number
    hash: Bytes
    transactions: list[_Transaction] = []


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    number: Number
    hash: Bytes
    gas_limit: Number


_receipt_decoder = msgspec.json.Decoder(_Receipt | None)
_block_decoder = msgspec.json.Decoder(_Block | None)
_head_decoder = msgspec.json.Decoder(_Head | None)
_number_decoder = msgspec.json.Decoder(Number)
_bytes_decoder = msgspec.json.Decoder(Bytes)

_BY_USE = (
    Answer.TAKEN,
    Answer.NONCE_USED,
    Answer.UNDERPRICED,
    Answer.NO_FUNDS,
    Answer.TOO_EARLY,
    Answer.UNCLEAR,
    Answer.INVALID,
)
"""Of several nodes' answers the first of these counts: one that took it outweighs one that did
not, and invalid counts only if all who answer say so."""


class RpcChain:
    """Over JSON-RPC; the first endpoint answers, the others help to spread transactions."""

    def __init__(self, url: str, *others: str) -> None:
        self._endpoint = Endpoint(url)
        self._others = tuple(map(Endpoint, others))
        self._chain = Chain(url)

    def identity(self) -> tuple[int, bytes]:
        """The chain's id and the hash of its first block."""
        return self._chain.chain_id(), self._chain.genesis_hash()

    def head(self) -> Head:
        """The newest block."""
        header = self._chain.head()
        return Head(header.block_number, header.block_hash)

    def look_up(self, sender: bytes, hashes: Sequence[bytes]) -> Sighting:
        """What became of transactions, in one request, which one node answers."""
        calls: list[Call] = [
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getTransactionCount", [to_hex(sender), "latest"]),
            *(("eth_getTransactionReceipt", [to_hex(each)]) for each in hashes),
        ]
        head, nonce, *receipts = self._endpoint.ask_all(calls)
        newest = self._decode(_head_decoder, head)
        if newest is None:
            raise ChainUnreachable(f"{self._endpoint.name} has no head")
        mined = {}
        for each, answer in zip(hashes, receipts, strict=True):
            receipt = self._decode(_receipt_decoder, answer)
            if receipt is not None:
                mined[each] = _mined(receipt)
        return Sighting(
            Head(int(newest.number, 16), bytes.fromhex(newest.hash[2:])),
            int(self._decode(_number_decoder, nonce), 16),
            mined,
            int(newest.gas_limit, 16),
        )

    def estimate(self, sender: bytes, request: Request, price_wei: int) -> int:
        """Gas that a request takes now."""
        asked = {
            "from": to_hex(sender),
            "to": to_hex(request.to),
            "data": to_hex(request.data),
            "gasPrice": hex(price_wei),
        }
        try:
            answer = self._endpoint.ask(("eth_estimateGas", [asked]))
        except ChainRefused as error:
            if error.data.startswith("0x") or "revert" in error.said.lower():
                raise Reverted(error.said, error.data) from error
            raise
        return int(self._decode(_number_decoder, answer), 16)

    def suggested_price(self) -> int:
        """Wei for a unit of gas."""
        return int(self._decode(_number_decoder, self._endpoint.ask(("eth_gasPrice", []))), 16)

    def broadcast(self, raw: bytes, everywhere: bool) -> tuple[Answer, str]:
        """Offers signed bytes to the first node, or to all."""
        endpoints = (self._endpoint, *self._others) if everywhere else (self._endpoint,)
        answers: list[tuple[Answer, str]] = []
        silent: ChainUnreachable | None = None
        for endpoint in endpoints:
            try:
                endpoint.ask(("eth_sendRawTransaction", [to_hex(raw)]))
                answers.append((Answer.TAKEN, ""))
            except ChainRefused as error:
                answers.append((meaning_of(error.said), error.said))
            except ChainUnreachable as error:
                silent = error
        if not answers:
            assert silent is not None
            raise silent
        return min(answers, key=lambda each: _BY_USE.index(each[0]))

    def refusal(self, sender: bytes, request: Request, block_number: int) -> Reverted | None:
        """Why a request reverts on the state before a block."""
        asked = {"from": to_hex(sender), "to": to_hex(request.to), "data": to_hex(request.data)}
        try:
            self._endpoint.ask(("eth_call", [asked, hex(block_number - 1)]))
        except ChainRefused as error:
            if error.data.startswith("0x") or "revert" in error.said.lower():
                return Reverted(error.said, error.data)
        return None

    def who_used(
        self, sender: bytes, nonce: int, first: int, last: int
    ) -> tuple[bytes, int] | None:
        """The hash of the transaction with this nonce, and its block."""
        for number in range(first, last + 1):
            answer = self._endpoint.ask(("eth_getBlockByNumber", [hex(number), True]))
            block = self._decode(_block_decoder, answer)
            for each in block.transactions if block else ():
                if bytes.fromhex(each.sender[2:]) == sender and int(each.nonce, 16) == nonce:
                    return bytes.fromhex(each.hash[2:]), number
        return None

    def _decode(self, decoder: msgspec.json.Decoder[Any], answer: msgspec.Raw) -> Any:
        try:
            return decoder.decode(answer)
        except msgspec.DecodeError as error:
            raise ChainUnreachable(f"{self._endpoint.name} answered strangely: {error}") from error


def _mined(receipt: _Receipt) -> Mined:
    return Mined(
        block_number=int(receipt.block_number, 16),
        block_hash=bytes.fromhex(receipt.block_hash[2:]),
        succeeded=int(receipt.status, 16) == 1,
        gas_used=int(receipt.gas_used, 16),
        logs=receipt.logs,
    )
