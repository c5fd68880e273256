"""A node that serves a scripted chain over JSON-RPC, and fails in the ways that nodes fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.indexer.scripted_chain import ScriptedChain

Call = tuple[str, list[Any]]


class Refusal(Exception):
    """The call gets a JSON-RPC error with this code and message."""

    def __init__(self, message: str, code: int = -32005) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Breakdown(Exception):
    """The whole request gets this status and body; status 0 cuts the connection in its middle."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(status)
        self.status, self.body = status, body


Fault = Callable[[Call, Any], Any]
"""From a call and the true result to the result that the node gives; may raise the above."""


@dataclass
class ScriptedNode:
    """The chain behind it, the faults it has, the calls it was asked, in their order, and how many
    calls each request brought."""

    chain: ScriptedChain
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        call = (question["method"], question["params"])
        self.calls.append(call)
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": question["id"]}
        try:
            result = self.chain.answer(*call)
            for fault in list(self.faults):
                result = fault(call, result)
        except Refusal as refusal:
            return {**answer, "error": {"code": refusal.code, "message": refusal.message}}
        except LookupError as error:
            return {**answer, "error": {"code": -32000, "message": str(error)}}
        return {**answer, "result": result}


def times(count: int, method: str, fault: Callable[[Any], Any], after: int = 0) -> Fault:
    """A fault of the first calls of a method, or of those after some."""
    seen = [0]

    def apply(call: Call, result: Any) -> Any:
        if call[0] != method:
            return result
        seen[0] += 1
        return fault(result) if after < seen[0] <= after + count else result

    return apply


def breaks(status: int, body: bytes = b"") -> Callable[[Any], Any]:
    """What answers the whole request with this status."""

    def fail(_result: Any) -> Any:
        raise Breakdown(status, body)

    return fail


@contextmanager
def serve(chain: ScriptedChain) -> Iterator[ScriptedNode]:
    """The node, on a port of its own."""
    node = ScriptedNode(chain)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(node))
    server.daemon_threads = True
    node.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(node: ScriptedNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            node.requests.append(len(question) if isinstance(question, list) else 1)
            try:
                if isinstance(question, list):
                    found: Any = [node.answer(each) for each in question]
                else:
                    found = node.answer(question)
                status, body = 200, json.dumps(found).encode()
            except Breakdown as breakdown:
                status, body = breakdown.status, breakdown.body
            if status == 0:
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"[{")
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Says nothing."""

    return Handler
