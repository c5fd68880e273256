"""The session's node as a learner's tests need it: consents on demand, and a sender to hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psutil

from node.intake.records import make_entry
from protocol.assurance import Assurance
from protocol.prometheus_x import PurposeReading
from protocol.record import Record
from protocol.types import Leaf, to_hex
from tests.stage import World, wait_until


class LearnerNode:
    """One node at `base_url`; a school that it hosts issues the consents."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.base_url = world.node.url
        self.operator_did = world.node.settings.operator_did
        self.chain_id = world.chain_id

    def grant(self, secret: bytes, purpose: str, assurance: Assurance = Assurance.SIGNED) -> Leaf:
        """Grants a consent for the one-time key; returns as soon as the node has promised it."""
        template = self._world.story.documents.receipt.purposes[0]
        record = self._world.make_record(secret, purpose=renamed(template, purpose))
        if assurance is Assurance.ATTESTED:
            record = attested(record)
        [leaf] = self._world.grant(record)
        return leaf

    def state_of(self, leaf: Leaf) -> dict[str, Any]:
        """What the gate of the node says about a consent."""
        question = {"consents": [{"leaf": to_hex(leaf)}]}
        answer = self._world.provider.client.post("/v1/consents/status", question)
        status: dict[str, Any] = answer["consents"][0]
        return status

    def wait_until(self, leaf: Leaf, state: str) -> dict[str, Any]:
        """The consent's status once it has the state."""
        wait_until(lambda: self.state_of(leaf)["state"] == state, f"the state {state}")
        return self.state_of(leaf)

    @contextmanager
    def sender_held(self) -> Iterator[None]:
        """Inside the block nothing leaves the outbox."""
        processes = self._world.node.running.processes
        [pid] = [process.pid for process in processes if process.name == "sender"]
        sender = psutil.Process(pid)
        sender.suspend()
        try:
            yield
        finally:
            sender.resume()


def renamed(template: PurposeReading, purpose: str) -> PurposeReading:
    """The same draft of a document with a purpose in other words, and with data."""
    processing = template.receipt["piiProcessing"]
    data = [{"piiType": "Diploma"}, {"piiType": "Skills"}]
    changed = {**processing["purposes"][0], "purpose": purpose, "piiInformation": data}
    receipt = {**template.receipt, "piiProcessing": {**processing, "purposes": [changed]}}
    return replace(template, purpose=purpose, receipt=receipt)


def attested(record: Record) -> Record:
    """The same consent on the issuer's word alone, still for the learner's one-time key."""
    document = replace(record.document, assurance=Assurance.ATTESTED)
    old = record.entry
    entry, blinding = make_entry(
        document, old.agreement_id, old.issuer, old.holder, old.valid_from, old.valid_until
    )
    return replace(record, document=document, entry=entry, blinding=blinding, grant_signature=None)
