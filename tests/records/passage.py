"""The way to a node, as a test may block, cut or watch it: an HTTP server that hands on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that went through."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int


@dataclass(slots=True)
class Passage:
    """`target` answers; `is_closed` answers 503 in its place, and `refuse` with the status that it
    has for a body, in these `words`; `before_answer` is called when the
    target has answered and the caller does not know yet; `rewrite` changes the answer."""

    url: str = ""
    target: str = ""
    is_closed: bool = False
    before_answer: Callable[[str], None] = lambda path: None
    rewrite: Callable[[str, bytes], bytes] = lambda path, answer: answer
    refuse: Callable[[bytes], int | None] = lambda body: None
    words: str = "refused on the way"
    passed: list[Passed] = field(default_factory=list)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Inside the block nobody gets through."""
        self.is_closed = True
        try:
            yield
        finally:
            self.is_closed = False

    @contextmanager
    def refusing(self, status: int, words: str) -> Iterator[None]:
        """Inside the block everything is answered so."""
        before = self.refuse, self.words
        self.refuse, self.words = lambda body: status, words
        try:
            yield
        finally:
            self.refuse, self.words = before

    def posts(self, path: str) -> list[Passed]:
        return [each for each in self.passed if each.path == path]


@contextmanager
def open_passage(port: int) -> Iterator[Passage]:
    """Listens on this machine inside the block."""
    passage = Passage()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._pass_on()

        def do_GET(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if passage.is_closed:
                self._answer(503, b"{}")
                return
            status = passage.refuse(body)
            if status is not None:
                passage.passed.append(Passed(self.path, dict(self.headers), body, status))
                self._answer(status, json.dumps({"detail": passage.words}).encode())
                return
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in HOP_BY_HOP
            }
            answer = httpx.request(
                self.command, passage.target + self.path, content=body, headers=headers, timeout=30
            )
            passage.passed.append(Passed(self.path, headers, body, answer.status_code))
            passage.before_answer(self.path)
            self._answer(answer.status_code, passage.rewrite(self.path, answer.content))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    passage.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield passage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
