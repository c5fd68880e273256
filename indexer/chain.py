"""Reads a chain over JSON-RPC: headers, logs, calls. Knows nothing of what the logs mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

REQUEST_TIMEOUT_SECONDS = 30.0

Result = TypeVar("Result")


class ChainUnreachable(Exception):
    """The node did not answer, or not with JSON-RPC. Worth trying again."""


class ChainRefused(Exception):
    """The node answered with an error."""


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """The part of a block that the indexer rests on; numbers and hashes as the wire has them."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str

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


class Log(msgspec.Struct, frozen=True, rename="camel"):
    """One log as the wire has it."""

    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    log_index: str
    removed: bool = False


class _Failure(msgspec.Struct, frozen=True):
    code: int
    message: str


class _Answer(msgspec.Struct, frozen=True):
    id: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Failure | None = None


_answer_decoder = msgspec.json.Decoder(_Answer)
_answers_decoder = msgspec.json.Decoder(list[_Answer])


class Chain:
    """One JSON-RPC endpoint."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def chain_id(self) -> int:
        """The chain's id (EIP-155)."""
        return int(self._one("eth_chainId", [], str), 16)

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
            raise ChainRefused(f"{self.url} has no block {block}")
        return found

    def headers(self, blocks: Sequence[int | str]) -> list[Header | None]:
        """Several headers in one request, None where the node has no such block."""
        calls = [("eth_getBlockByNumber", [_tag(block), False]) for block in blocks]
        return self._many(calls, Header | None)

    def logs(self, first: int, last: int, addresses: Iterable[str]) -> list[Log]:
        """Logs of the addresses in blocks first to last, both included, in chain order."""
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(addresses)}
        return self._one("eth_getLogs", [query], list[Log])

    def call(self, to: str, data: bytes, block: int) -> bytes:
        """The result of a read-only call at a block."""
        request = {"to": to, "data": "0x" + data.hex()}
        return bytes.fromhex(self._one("eth_call", [request, hex(block)], str)[2:])

    def _one(self, method: str, parameters: list[Any], result: type[Result]) -> Result:
        answer = _answer_decoder.decode(
            self._post({"jsonrpc": "2.0", "id": 0, "method": method, "params": parameters})
        )
        decoded: Result = self._result(method, answer, result)
        return decoded

    def _many(self, calls: Sequence[tuple[str, list[Any]]], result: Any) -> list[Any]:
        if not calls:
            return []
        batch = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
            for number, (method, parameters) in enumerate(calls)
        ]
        answers = sorted(_answers_decoder.decode(self._post(batch)), key=lambda answer: answer.id)
        if [answer.id for answer in answers] != list(range(len(calls))):
            raise ChainUnreachable(f"{self.url} left answers out of a batch of {len(calls)}")
        return [
            self._result(method, answer, result)
            for (method, _), answer in zip(calls, answers, strict=True)
        ]

    def _post(self, body: Any) -> bytes:
        try:
            response = self._http.post(self.url, json=body)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise ChainUnreachable(f"{self.url} did not answer: {error!r}") from error
        return response.content

    def _result(self, method: str, answer: _Answer, result: Any) -> Any:
        if answer.error is not None:
            raise ChainRefused(f"{self.url} refused {method}: {answer.error.message}")
        try:
            return msgspec.json.decode(answer.result, type=result)
        except msgspec.ValidationError as error:
            raise ChainUnreachable(f"{self.url} answered {method} strangely: {error}") from error


def _tag(block: int | str) -> str:
    return block if isinstance(block, str) else hex(block)
