"""What a node is asked for all the time during a soak, and what it has promised meanwhile.

Every promise is written to a file the moment its answer is there, so that the end can be compared
with it, also by a later process. What got no answer is no promise; it may have happened or not.
"""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from node.bench.acceptance import make_records
from node.client import NodeRefused, NodeUnreachable
from node.demo.story import Story
from protocol.entries import encode_entry, leaf_of
from protocol.record import to_json
from protocol.signatures import sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import to_hex

GRANT_SECONDS, GRANT_SIZE = 1.0, 10
WITHDRAWAL_SECONDS = 0.5
STATUS_SECONDS, STATUS_SIZE = 0.1, 10
USE_SECONDS = 0.5
EVENTS_SECONDS = 1.0
RETRY_SECONDS = 1.0
EVENTS_FROM = "0-0-0"


@dataclass(slots=True)
class Promises:
    """Lines of a file: leaves granted and withdrawn, uses recorded, ids of events told."""

    path: Path
    granted: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    uses: int = 0
    told: set[str] = field(default_factory=set)
    hooked: set[str] = field(default_factory=set)
    position: str = EVENTS_FROM
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, path: Path) -> Promises:
        """Those of earlier parts; a line that a kill cut off was no promise that counts."""
        promises = cls(path)
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                promises._take(*json.loads(line))
            except ValueError:
                continue
        return promises

    def note(self, kind: str, *values: str) -> None:
        """Writes it down at once."""
        with self._lock:
            with self.path.open("a") as file:
                file.write("".join(json.dumps([kind, value]) + "\n" for value in values))
            for value in values:
                self._take(kind, value)

    def _take(self, kind: str, value: str) -> None:
        match kind:
            case "granted":
                self.granted.add(value)
            case "withdrawn":
                self.withdrawn.add(value)
            case "used":
                self.uses += 1
            case "told":
                self.told.add(value)
            case "hooked":
                self.hooked.add(value)
            case "position":
                self.position = value


class Load:
    """Threads that ask, each at its pace, and go on after whatever they could not reach."""

    def __init__(self, story: Story, promises: Promises) -> None:
        self._story = story
        self._promises = promises
        self._stop = threading.Event()
        self._active: dict[str, tuple[str, str]] = {}
        self._threads = [
            threading.Thread(target=self._repeat, args=each)
            for each in (
                (self._grant, GRANT_SECONDS),
                (self._withdraw, WITHDRAWAL_SECONDS),
                (self._check, STATUS_SECONDS),
                (self._use, USE_SECONDS),
                (self._read_events, EVENTS_SECONDS),
            )
        ]
        self.failures: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside the block the node is under load."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _repeat(self, ask: Callable[[], None], seconds: float) -> None:
        while not self._stop.wait(seconds):
            try:
                ask()
            except NodeUnreachable:
                self._stop.wait(RETRY_SECONDS)
            except NodeRefused as refusal:
                if refusal.problem.get("status", 500) < 500:  # while it is away it may say so
                    self.failures.append(str(refusal))
                self._stop.wait(RETRY_SECONDS)
            except Exception as error:
                self.failures.append(repr(error))

    def _grant(self) -> None:
        issuer = self._story.parties[self._story.completion.consent.issuer]
        holders = [secrets.token_bytes(32) for _ in range(GRANT_SIZE)]
        records = make_records(self._story, holders)
        body = {"records": [to_json(record) for record in records]}
        issuer.client.post("/v1/consents", body, secrets.token_hex(16))
        leaves = [to_hex(leaf_of(record.entry)) for record in records]
        self._promises.note("granted", *leaves)
        for leaf, record, holder in zip(leaves, records, holders, strict=True):
            digest = withdrawal_digest(leaf_of(record.entry), record.chain_id, record.registry)
            signature = to_hex(sign_digest(holder, digest))
            self._active[leaf] = (to_hex(encode_entry(record.entry)), signature)

    def _withdraw(self) -> None:
        if len(self._active) <= GRANT_SIZE:
            return
        leaf = next(iter(self._active))  # the oldest
        entry, signature = self._active[leaf]
        body = {"entry": entry, "signature": signature}
        self._story.stage.operator.post("/v1/withdrawals", body)
        self._promises.note("withdrawn", leaf)
        del self._active[leaf]

    def _check(self) -> None:
        known = list(self._active)[-10 * STATUS_SIZE :]
        asked = random.sample(known, min(STATUS_SIZE, len(known)))
        if asked:
            body = {"consents": [{"leaf": leaf} for leaf in asked]}
            self._story.parties["consumer"].client.post("/v1/consents/status", body)

    def _use(self) -> None:
        body: dict[str, Any] = {
            "agreementId": to_hex(self._story.agreement_id),
            "consents": [to_hex(leaf_of(self._story.records[0].entry))],
        }
        self._story.parties["consumer"].client.post("/v1/usages", body, secrets.token_hex(16))
        self._promises.note("used", "1")

    def _read_events(self) -> None:
        client = self._story.parties["consumer"].client
        page = client.get("/v1/events", after=self._promises.position, limit=1_000)
        if page["items"]:
            self._promises.note("told", *(name_of(each) for each in page["items"]))
            self._promises.note("position", page["next"])


def name_of(message: dict[str, Any]) -> str:
    """Of an event, and of its being taken back."""
    return f"{message['id']}-removed" if message["removed"] else str(message["id"])


@contextmanager
def open_receiver(promises: Promises, port: int) -> Iterator[None]:
    """Takes webhooks on this machine inside the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            promises.note("hooked", str(self.headers["webhook-id"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing: what came is in the file."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(done: Callable[[], bool], what: str, seconds: float) -> None:
    """Raises AssertionError naming what did not come."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.2)
