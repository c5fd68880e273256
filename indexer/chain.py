"""Reads a chain over JSON-RPC: headers, logs, receipts, calls. Knows nothing of what logs mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from indexer.rpc import (
    ANSWER_BYTES_MAX,
    Call,
    ChainError,
    ChainRefused,
    ChainUnreachable,
    Endpoint,
)

__all__ = [
    "Chain",
    "ChainError",
    "ChainRefused",
    "ChainUnreachable",
    "Header",
    "Log",
    "Receipt",
    "WholeHeader",
]

HEADERS_PER_REQUEST = 100
ZERO_BLOOM = "0x" + "00" * 256

Number = Annotated[str, msgspec.Meta(pattern="^0x[0-7]?[0-9a-fA-F]{1,15}$")]
"""Of 63 bits at most, which is what a database holds as a number."""
Time = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{1,9}$")]
"""Unix seconds up to the year 4147: what is later is no time, and no calendar has it."""
Hash = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{64}$")]
Bloom = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{512}$")]
Bytes = Annotated[str, msgspec.Meta(pattern="^0x([0-9a-fA-F]{2})*$")]


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """The part of a block that the indexer rests on; numbers and hashes as the wire has them."""

    number: Number
    hash: Hash
    parent_hash: Hash
    timestamp: Time
    receipts_root: Hash = ""
    logs_bloom: Bloom = ZERO_BLOOM
    gas_used: Number = "0x0"
    transactions: tuple[str, ...] = ()

    @property
    def block_number(self) -> int:
        """Height."""
        return int(self.number, 16)

    @property
    def block_hash(self) -> bytes:
        """32 bytes."""
        return bytes.fromhex(self.hash[2:])

    @property
    def parent_block_hash(self) -> bytes:
        """32 bytes."""
        return bytes.fromhex(self.parent_hash[2:])

    @property
    def block_time(self) -> int:
        """Unix seconds."""
        return int(self.timestamp, 16)

    @property
    def gas(self) -> int:
        """What its transactions used."""
        return int(self.gas_used, 16)


class WholeHeader(Header, frozen=True, rename="camel"):
    """All that a block's hash is made of; None for what its fork does not have."""

    sha3_uncles: str = "0x"
    miner: str = "0x"
    state_root: str = "0x"
    transactions_root: str = "0x"
    difficulty: str = "0x0"
    gas_limit: str = "0x0"
    extra_data: str = "0x"
    mix_hash: str = "0x"
    nonce: str = "0x"
    base_fee_per_gas: str | None = None
    withdrawals_root: str | None = None
    blob_gas_used: str | None = None
    excess_blob_gas: str | None = None
    parent_beacon_block_root: str | None = None
    requests_hash: str | None = None


class Log(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One log as the wire has it. Of hundreds of thousands each is checked where it is read, and
    the garbage collector need not look at them."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    log_index: str
    removed: bool = False


class Receipt(msgspec.Struct, frozen=True, rename="camel"):
    """What a transaction did, as the wire has it; `root` only before EIP-658."""

    transaction_hash: str
    block_hash: str
    cumulative_gas_used: Number
    logs_bloom: Bloom
    logs: list[Log]
    status: Number | None = None
    root: Bytes | None = None
    type: Number = "0x0"


_header_decoder = msgspec.json.Decoder(Header | None)
_whole_header_decoder = msgspec.json.Decoder(WholeHeader | None)
_logs_decoder = msgspec.json.Decoder(list[Log])
_receipts_decoder = msgspec.json.Decoder(list[Receipt | None] | None)
_receipt_decoder = msgspec.json.Decoder(Receipt | None)
_number_decoder = msgspec.json.Decoder(Number)
_bytes_decoder = msgspec.json.Decoder(Bytes)


class Chain:
    """One JSON-RPC endpoint. Threads may share it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._endpoint = Endpoint(url)
        self.name = self._endpoint.name

    def close(self) -> None:
        """Closes the connections."""
        self._endpoint.close()

    def chain_id(self) -> int:
        """The chain's id (EIP-155)."""
        answer = self._endpoint.ask(("eth_chainId", []))
        return int(self._decode(_number_decoder, answer, "its chain id"), 16)

    def head(self) -> Header:
        """The newest block that the node knows."""
        return self.header("latest")

    def genesis_hash(self) -> bytes:
        """Hash of the first block, as the second one names it: after a restart with its state the
        embedded chain may show a new block 0, but never a new parent of block 1."""
        return self.header(1).parent_block_hash

    def header(self, block: int | str) -> Header:
        """A block's header; raises ChainRefused if the node does not have it."""
        found = self.headers([block])[0]
        if found is None:
            raise ChainRefused(f"{self.name} has no block {block}")
        return found

    def headers(self, blocks: Sequence[int | str]) -> list[Header | None]:
        """Several headers, None where the node has no such block."""
        return self._headers(blocks, _header_decoder)

    def whole_headers(self, blocks: Sequence[int]) -> list[WholeHeader | None]:
        """The same with every field that the hash is made of."""
        return self._headers(blocks, _whole_header_decoder)

    def logs(
        self,
        first: int,
        last: int,
        addresses: Iterable[str],
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> tuple[Header, list[Log]]:
        """Logs of the addresses in blocks first to last, both included, in chain order; and the
        last block's header, by the same node at the same time: one that has the block has its logs.

        Raises ChainRefused where the node finds this too much to ask, or answers with more bytes.
        """
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(addresses)}
        header, logs = self._endpoint.ask_all(
            [_header_call(last), ("eth_getLogs", [query])],
            bytes_max=bytes_max,
        )
        found = self._decode(_header_decoder, header, "a block")
        if found is None:
            raise ChainUnreachable(f"{self.name} does not have block {last} yet")
        return found, self._decode(_logs_decoder, logs, "logs")

    def receipts(self, header: Header) -> list[Receipt]:
        """The receipts of a block in the order of its transactions.

        Raises ChainUnreachable where one is missing.
        """
        try:
            answer = self._endpoint.ask(("eth_getBlockReceipts", [header.number]))
            found = self._decode(_receipts_decoder, answer, "receipts")
        except ChainRefused:  # not every node has the method
            calls: list[Call] = [("eth_getTransactionReceipt", [h]) for h in header.transactions]
            answers = self._endpoint.ask_all(calls) if calls else []
            found = [self._decode(_receipt_decoder, one, "a receipt") for one in answers]
        if found is None or None in found or len(found) != len(header.transactions):
            raise ChainUnreachable(f"{self.name} lacks receipts of block {header.block_number}")
        return [receipt for receipt in found if receipt is not None]

    def call(self, to: str, data: bytes, block: int | bytes) -> bytes:
        """The result of a read-only call at a block."""
        return self.call_all([(to, data)], block)[0]

    def call_all(self, calls: Sequence[tuple[str, bytes]], block: int | bytes) -> list[bytes]:
        """The results of several read-only calls at a block: by its hash (EIP-1898), which no other
        block can answer for, or by its height."""
        place = hex(block) if isinstance(block, int) else {"blockHash": "0x" + block.hex()}
        found = []
        for start in range(0, len(calls), HEADERS_PER_REQUEST):
            asked: list[Call] = [
                ("eth_call", [{"to": to, "data": "0x" + data.hex()}, place])
                for to, data in calls[start : start + HEADERS_PER_REQUEST]
            ]
            found += [
                bytes.fromhex(self._decode(_bytes_decoder, answer, "a call")[2:])
                for answer in self._endpoint.ask_all(asked)
            ]
        return found

    def _headers(
        self, blocks: Sequence[int | str], decoder: msgspec.json.Decoder[Any]
    ) -> list[Any]:
        found = []
        for start in range(0, len(blocks), HEADERS_PER_REQUEST):
            calls = [_header_call(block) for block in blocks[start : start + HEADERS_PER_REQUEST]]
            results = self._endpoint.ask_all(calls)
            found += [self._decode(decoder, result, "a block") for result in results]
        return found

    def _decode(self, decoder: msgspec.json.Decoder[Any], answer: msgspec.Raw, what: str) -> Any:
        try:
            return decoder.decode(answer)
        except msgspec.ValidationError as error:
            raise ChainUnreachable(f"{self.name} answered strangely for {what}: {error}") from error


def _header_call(block: int | str) -> Call:
    return ("eth_getBlockByNumber", [block if isinstance(block, str) else hex(block), False])
