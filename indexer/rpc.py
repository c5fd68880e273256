"""JSON-RPC over HTTP: one endpoint, bounded answers, and errors that say what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3

TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
ANSWER_BYTES_MAX = 48 * 2**20
CHUNK_BYTES = 2**20
TOO_LARGE, TOO_MANY_REQUESTS = 413, 429

Call = tuple[str, list[Any]]
"""A method and its parameters."""


class ChainError(Exception):
    """The node's answer is of no use."""


class ChainUnreachable(ChainError):
    """The node did not answer, or not with JSON-RPC. Worth trying again later."""


class ChainRefused(ChainError):
    """The node answered with an error. What is asked must change, not the time.

    `said` is its own message, `data` what a reverted call gave, hexadecimal.
    """

    def __init__(self, message: str, said: str = "", data: str = "") -> None:
        super().__init__(message)
        self.said = said
        self.data = data


class AnswerTooLong(ChainRefused):
    """The answer is longer than what is kept in memory. Ask for less."""


class _Failure(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""
    data: Any = None


class _Answer(msgspec.Struct, frozen=True):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Failure | None = None


def _refused(name: str, calls: Sequence[Call], failure: _Failure) -> ChainRefused:
    methods = ", ".join(sorted({method for method, _ in calls}))
    data = failure.data if isinstance(failure.data, str) else ""
    message = f"{name} refused {methods}: {failure.message}"
    return ChainRefused(message, failure.message, data)


def name_of(url: str) -> str:
    """An endpoint as errors and logs name it: without user, password, path and query, since
    providers take their customers' keys in any of these."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


_answer_decoder = msgspec.json.Decoder(_Answer | list[_Answer])


class Endpoint:
    """One node. Threads may share it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = name_of(url)
        self._pool = urllib3.PoolManager(maxsize=4, retries=False, timeout=TIMEOUT)

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def ask(self, call: Call) -> msgspec.Raw:
        """The result of one call, still as JSON. Raises ChainUnreachable, ChainRefused."""
        [result] = self.ask_all([call])
        return result

    def ask_all(
        self, calls: Sequence[Call], bytes_max: int = ANSWER_BYTES_MAX
    ) -> list[msgspec.Raw]:
        """The results of several calls, which one node answers together, in their order.

        Raises ChainUnreachable, ChainRefused, AnswerTooLong.
        """
        questions = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
            for number, (method, parameters) in enumerate(calls)
        ]
        body = msgspec.json.encode(questions if len(questions) > 1 else questions[0])
        answers = self._decode(*self._post(body, bytes_max))
        by_id = {answer.id: answer for answer in answers}
        for answer in answers:
            if answer.error is not None:
                raise _refused(self.name, calls, answer.error)
        if sorted(by_id, key=str) != sorted(range(len(calls)), key=str):
            raise ChainUnreachable(f"{self.name} gave {len(answers)} answers to {len(calls)} calls")
        return [by_id[number].result for number in range(len(calls))]

    def _post(self, body: bytes, bytes_max: int) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        try:
            response = self._pool.request(
                "POST", self.url, body=body, headers=headers, preload_content=False
            )
            content = self._read(response, bytes_max)
        except urllib3.exceptions.HTTPError as error:
            raise ChainUnreachable(f"{self.name} did not answer: {error!r}") from error
        if response.status == TOO_LARGE:
            raise AnswerTooLong(f"{self.name} says that the answer is too large (413)")
        if response.status == TOO_MANY_REQUESTS or response.status >= 500:
            raise ChainUnreachable(f"{self.name} answered with status {response.status}")
        return response.status, content

    def _read(self, response: urllib3.BaseHTTPResponse, bytes_max: int) -> bytes:
        parts, size = [], 0
        while part := response.read(CHUNK_BYTES):
            parts.append(part)
            size += len(part)
            if size > bytes_max:
                response.close()
                raise AnswerTooLong(f"{self.name} answers with more than {bytes_max} bytes")
        response.release_conn()
        return b"".join(parts)

    def _decode(self, status: int, content: bytes) -> list[_Answer]:
        try:
            decoded = _answer_decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ChainUnreachable(
                f"{self.name} answered with status {status} and no JSON-RPC: {error}"
            ) from error
        return decoded if isinstance(decoded, list) else [decoded]
