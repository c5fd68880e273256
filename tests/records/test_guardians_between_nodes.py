"""A minor's consent between two nodes: both signatures travel, are checked, and end with it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest

from node.client import NodeRefused
from node.intake.records import signed_slip
from protocol.bundle_verification import Result, verify_bundle
from protocol.entries import leaf_of
from protocol.holder_keys import address_of
from protocol.record import Record, from_json, to_json
from protocol.signatures import is_signed_by
from protocol.signing import consent_grant_digest
from protocol.slip import encode_slip
from protocol.types import to_hex
from tests.records.guardians import guarded
from tests.records.test_strangers import deliver, nothing_kept, records_for
from tests.records.two_nodes import TwoNodes
from tests.stage import wait_until

RECORDS = "/v1/records"


@pytest.fixture
def guardian() -> bytes:
    """The key of a parent or guardian."""
    return secrets.token_bytes(32)


def granted(nodes: TwoNodes, secret: bytes, guardian: bytes) -> Record:
    """One that has arrived at the recipient's node."""
    record = guarded(nodes, secret, guardian)
    nodes.world.grant(record)
    nodes.wait_for_deliveries(record, [("record", "delivered")])
    nodes.wait_for_gate(record, "active")
    return record


def test_both_signatures_reach_the_recipient_and_its_gate_answers(
    nodes: TwoNodes, secret: bytes, guardian: bytes
) -> None:
    record = granted(nodes, secret, guardian)
    leaf = to_hex(leaf_of(record.entry))
    held = nodes.recipient.client.get(f"/v1/consents/{leaf}")["record"]
    assert held == to_json(record)
    read = from_json(held)
    digest = consent_grant_digest(read.entry, read.chain_id, read.registry)
    assert is_signed_by(address_of(guardian), digest, read.guardian_signature or b"")
    # What the recipient shows to others proves it, too.
    bundle = nodes.recipient.client.get(f"/v1/proofs/{leaf}")
    sections = {section.name: section for section in verify_bundle(bundle)}
    assert sections["guardian signature"].result is Result.OK
    assert to_hex(address_of(guardian)) in sections["guardian signature"].detail


def test_the_recipient_takes_nothing_that_one_of_the_two_did_not_sign(
    nodes: TwoNodes, secret: bytes, guardian: bytes
) -> None:
    """By the issuer's own operator: that the issuer took it is no reason to believe it."""
    record = guarded(nodes, secret, guardian)
    assert record.grant_signature is not None
    assert record.guardian_signature is not None
    damaged = bytes([record.guardian_signature[0] ^ 1]) + record.guardian_signature[1:]
    unnamed = replace(record.document, guardian=None)
    swapped: dict[str, Any] = {
        "grant_signature": record.guardian_signature,
        "guardian_signature": record.grant_signature,
    }
    wrong = {
        "not signed by the guardian's key": [
            replace(record, guardian_signature=damaged),
            replace(record, guardian_signature=record.grant_signature),
        ],
        "names a guardian and none signed": [replace(record, guardian_signature=None)],
        "another document": [
            replace(record, document=unnamed),
            replace(record, document=unnamed, guardian_signature=None),
        ],
        "who did not sign": [replace(record, grant_signature=None)],
        "grantSignature": [
            replace(record, **swapped),
            replace(record, grant_signature=record.guardian_signature),
        ],
        "key is the holder's": [guarded(nodes, secret, secret)],
    }
    with nothing_kept(nodes):
        for words, records in wrong.items():
            answer = deliver(nodes, RECORDS, records_for(nodes, *records))
            assert answer.status_code == 200, answer.text
            for result in answer.json()["results"]:
                assert (result["outcome"], result["confirmation"]) == ("refused", None)
                assert words in result["reason"]
    # One that is wrong keeps none back that is right.
    both = records_for(nodes, wrong["another document"][0], record)
    outcomes = [each["outcome"] for each in deliver(nodes, RECORDS, both).json()["results"]]
    assert outcomes == ["refused", "stored"]


def test_the_issuers_node_grants_nothing_that_one_of_the_two_did_not_sign(
    nodes: TwoNodes, secret: bytes, guardian: bytes
) -> None:
    record = guarded(nodes, secret, guardian)
    for wrong in (
        replace(record, guardian_signature=None),
        replace(record, guardian_signature=record.grant_signature),
    ):
        with pytest.raises(NodeRefused) as refused:
            nodes.world.grant(wrong)
        assert refused.value.problem["type"] == "/problems/record-invalid"
        assert "guardianSignature" in str(refused.value.problem)
    with pytest.raises(NodeRefused) as refused:
        nodes.show(record)
    assert refused.value.problem["type"] == "/problems/consent-not-found"


def test_the_guardians_slip_closes_both_nodes_whichever_takes_it(
    nodes: TwoNodes, guardian: bytes
) -> None:
    for through in (nodes.world.operator, nodes.recipient.client):
        secret = secrets.token_bytes(32)
        record = granted(nodes, secret, guardian)
        slip = to_hex(encode_slip(signed_slip(record, secret)))
        through.post("/v1/withdrawals", {"slip": slip})
        nodes.world.wait_for_state(record, "withdrawn")
        nodes.wait_for_gate(record, "withdrawn")


def test_an_erasure_takes_the_guardian_from_both_nodes(
    nodes: TwoNodes, secret: bytes, guardian: bytes
) -> None:
    record = granted(nodes, secret, guardian)
    nodes.end(record, secret)
    nodes.erase(record)
    wait_until(lambda: nodes.show(record)["erasure"]["state"] == "erased", "the erasure")
    assert nodes.copies(record) == 0
    assert nodes.gate(record) is None
    assert nodes.show(record)["record"] is None
    # The same record does not come back, however it is signed.
    [again] = deliver(nodes, RECORDS, records_for(nodes, record)).json()["results"]
    assert again["outcome"] == "refused"
    assert "was erased by its issuer's order" in again["reason"]
