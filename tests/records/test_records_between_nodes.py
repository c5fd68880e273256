"""A record goes from the issuer's node to the recipient's, and what ends or erases it follows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from indexer.queries.participants import ParticipantRow
from node.client import NodeClient, NodeRefused
from node.contracts import load_deployment
from node.db import WEBHOOKS_ROLE, async_engine
from node.did_documents import DidDocuments
from node.did_keys import DidKeys
from node.operator_identity import OperatorIdentity
from node.outgoing import TargetRefused
from node.record_delivery import DeliveryFailed, RecordDelivery
from node.secret_files import load_master_key
from protocol.did_document import find_key
from protocol.entries import leaf_of
from protocol.errors import TokenInvalid
from protocol.record import to_json
from protocol.tokens import CONFIRMATION_TYPE, check_signature, read_token
from protocol.types import OrganisationId, to_hex
from tests.node.addresses import URLS
from tests.records.two_nodes import RECIPIENT, SECOND_OPERATOR, TwoNodes
from tests.stage import wait_until

RECORDS, ERASURES = "/v1/records", "/v1/records/erasures"


def test_the_recipients_gate_answers_from_the_chain(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant(secret)
    nodes.wait_for_gate(record, "active")
    nodes.wait_for_deliveries(record, [("record", "delivered")])
    leaf = to_hex(leaf_of(record.entry))
    held = nodes.recipient.client.get(f"/v1/consents/{leaf}")
    assert held["record"] == to_json(record)
    assert held["anchoring"] is not None
    assert held["deliveries"] == []
    [row] = nodes.second.sql(
        "SELECT organisation_id, sealed_record FROM node.consents WHERE leaf = :leaf",
        leaf=leaf_of(record.entry),
    )
    assert row.organisation_id == nodes.recipient.id
    assert b"receipt" not in row.sealed_record


def test_the_confirmation_proves_to_anybody_who_holds_the_record(
    nodes: TwoNodes, secret: bytes
) -> None:
    record = nodes.grant_delivered(secret)
    [delivery] = nodes.show(record)["deliveries"]
    token = read_token(delivery["confirmation"], CONFIRMATION_TYPE)
    assert token.claims["confirmed"] == "stored"
    assert token.claims["leaf"] == to_hex(leaf_of(record.entry))
    assert token.claims["recipient"] == to_hex(nodes.recipient.id)
    assert token.issuer == SECOND_OPERATOR
    document = NodeClient(nodes.passage.url).get("/.well-known/did.json")
    key = find_key(document, token.kid, "assertionMethod")
    assert key is not None
    check_signature(token, key)
    first = NodeClient(nodes.first.url).get("/.well-known/did.json")
    [other] = [method["publicKeyJwk"] for method in first["verificationMethod"][:1]]
    with pytest.raises(TokenInvalid):
        check_signature(token, other)


def test_a_withdrawal_through_either_node_closes_both(nodes: TwoNodes) -> None:
    for number, through in enumerate((nodes.world.operator, nodes.recipient.client)):
        secret = bytes([0x71 + number]) * 32
        record = nodes.grant_delivered(secret)
        nodes.wait_for_gate(record, "active")
        nodes.end(record, secret, through)
        nodes.wait_for_gate(record, "withdrawn")


def test_a_record_for_a_recipient_on_the_same_node_goes_nowhere(
    nodes: TwoNodes, secret: bytes
) -> None:
    world = nodes.world
    record = world.grant_active(secret)
    assert nodes.deliveries(record) == []
    assert world.status(record, world.consumer.client)["assurance"] == "signed"
    assert nodes.copies(record) == 0


def test_many_records_share_a_request(nodes: TwoNodes) -> None:
    records = [nodes.make_record(bytes([index]) * 32) for index in range(1, 61)]
    nodes.world.grant(*records)
    for record in records:
        nodes.wait_for_deliveries(record, [("record", "delivered")])
    passed = nodes.passage.posts(RECORDS)
    assert len(passed) < len(records) / 10
    sent = [record["entry"] for each in passed for record in json.loads(each.body)["records"]]
    own = {to_json(record)["entry"] for record in records}
    assert sum(entry in own for entry in sent) == len(records)


# -- erasure ---------------------------------------------------------------------------------------


def test_a_consent_in_force_is_not_erased(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    with pytest.raises(NodeRefused) as refused:
        nodes.erase(record)
    assert refused.value.problem["type"] == "/problems/consent-not-over"
    assert nodes.show(record)["record"] is not None
    assert nodes.gate(record) == "active"


def test_an_erasure_reaches_both_nodes(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    nodes.end(record, secret)
    before = nodes.erase(record)["erasure"]
    assert before["state"] in ("erasing: 1 unconfirmed", "erased")
    wait_until(lambda: nodes.show(record)["erasure"]["state"] == "erased", "the erasure")
    shown = nodes.show(record)
    assert shown["record"] is None
    assert shown["erasure"]["orderedAt"] == before["orderedAt"]
    assert nodes.deliveries(record) == [("record", "delivered"), ("erasure", "delivered")]
    assert nodes.copies(record) == 0
    assert nodes.gate(record) is None
    leaf = leaf_of(record.entry)
    [own] = nodes.first.sql(
        "SELECT sealed_record, wrapped_key FROM node.consents WHERE leaf = :leaf", leaf=leaf
    )
    assert (own.sealed_record, own.wrapped_key) == (b"", None)
    [left] = nodes.second.sql("SELECT * FROM node.erased_records WHERE leaf = :leaf", leaf=leaf)
    assert (left.organisation_id, left.issuer) == (nodes.recipient.id, nodes.issuer.id)
    for party in (nodes.issuer, nodes.recipient):
        with pytest.raises(NodeRefused) as refused:
            party.client.get(f"/v1/proofs/{to_hex(leaf)}")
        assert refused.value.problem["status"] in (404, 410)
    with pytest.raises(NodeRefused) as refused:
        nodes.recipient.client.get(f"/v1/consents/{to_hex(leaf)}")
    assert refused.value.problem["type"] == "/problems/record-erased"
    assert nodes.erase(record)["erasure"] == {**before, "state": "erased", "unconfirmed": 0}


def test_an_erasure_waits_for_a_node_that_is_away(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    nodes.end(record, secret)
    with nodes.passage.closed():
        assert nodes.erase(record)["erasure"]["state"] == "erasing: 1 unconfirmed"

        def tried_twice() -> bool:
            [_, erasure] = nodes.show(record)["deliveries"]
            return bool(erasure["attempts"] >= 2)

        wait_until(tried_twice, "two attempts")
        shown = nodes.show(record)
        assert shown["erasure"] == {**shown["erasure"], "unconfirmed": 1}
        assert "503" in shown["deliveries"][1]["lastFailure"]
        assert shown["record"] is None
        assert nodes.copies(record) == 1
    wait_until(lambda: nodes.show(record)["erasure"]["state"] == "erased", "the erasure")
    assert nodes.copies(record) == 0


def test_what_still_waits_is_not_sent_after_its_erasure(nodes: TwoNodes, secret: bytes) -> None:
    with nodes.deliverer_held():
        record = nodes.grant(secret)
        nodes.world.wait_for_state(record, "active")
        nodes.end(record, secret)
        assert nodes.erase(record)["erasure"]["state"] == "erased"
        assert nodes.deliveries(record) == [("record", "cancelled")]
        later = nodes.grant(b"\x33" * 32)
    nodes.wait_for_deliveries(later, [("record", "delivered")])
    assert nodes.copies(record) == 0
    assert to_json(record)["entry"] not in str([each.body for each in nodes.passage.passed])


def test_a_party_on_the_same_node_keeps_nothing_either(nodes: TwoNodes, secret: bytes) -> None:
    world = nodes.world
    record = nodes.grant(secret, agreement_id=world.agreement, recipients=[world.consumer.did])
    world.wait_for_state(record, "active")
    nodes.end(record, secret)
    assert nodes.erase(record)["erasure"]["state"] == "erased"
    rows = nodes.first.sql(
        "SELECT organisation_id, wrapped_key FROM node.consents WHERE leaf = :leaf",
        leaf=leaf_of(record.entry),
    )
    assert [(row.organisation_id, row.wrapped_key) for row in rows] == [(nodes.issuer.id, None)]


def test_only_the_issuer_erases(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    nodes.end(record, secret)
    nodes.wait_for_gate(record, "withdrawn")
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}/erasure"
    for client in (nodes.recipient.client, nodes.world.consumer.client, nodes.world.operator):
        with pytest.raises(NodeRefused) as refused:
            client.post(path, None)
        assert refused.value.problem["type"] == "/problems/consent-not-found"
    assert nodes.copies(record) == 1


# -- faults ----------------------------------------------------------------------------------------


def test_a_node_that_is_away_gets_the_record_later(nodes: TwoNodes, secret: bytes) -> None:
    with nodes.passage.closed():
        record = nodes.grant(secret)
        wait_until(lambda: nodes.show(record)["deliveries"][0]["lastFailure"], "a failure")
        assert nodes.deliveries(record) == [("record", "waiting")]
    nodes.wait_for_gate(record, "active")
    nodes.wait_for_deliveries(record, [("record", "delivered")])


def test_what_never_left_needs_no_confirmation(nodes: TwoNodes, secret: bytes) -> None:
    """The recipient takes its address off the chain before the grant, and never gets the record."""
    nodes.describe_recipient("")
    try:
        record = nodes.grant(secret)
        wait_until(lambda: nodes.show(record)["deliveries"][0]["lastFailure"], "a failure")
        [delivery] = nodes.show(record)["deliveries"]
        assert "names no service address on chain" in delivery["lastFailure"]
        assert delivery["attempts"] >= 1
        nodes.world.wait_for_state(record, "active")
        nodes.end(record, secret)
        assert nodes.erase(record)["erasure"]["state"] == "erased"
        assert nodes.deliveries(record) == [("record", "cancelled")]
    finally:
        nodes.describe_recipient(nodes.passage.url)


@pytest.mark.parametrize("path", [RECORDS, ERASURES])
def test_a_kill_between_answer_and_commit_repeats_and_doubles_nothing(
    nodes: TwoNodes, secret: bytes, path: str
) -> None:
    record = nodes.grant_delivered(secret) if path == ERASURES else nodes.make_record(secret)
    nodes.passage.passed.clear()
    killed = []

    def kill_once(asked: str) -> None:
        if asked == path and not killed:
            killed.append(asked)
            nodes.kill_deliverer()

    nodes.passage.before_answer = kill_once
    try:
        if path == ERASURES:
            nodes.end(record, secret)
            nodes.erase(record)
        else:
            nodes.world.grant(record)
        wait_until(lambda: killed, "the kill")
        kind = "erasure" if path == ERASURES else "record"
        states = dict(nodes.deliveries(record))
        assert states[kind] == "waiting"
    finally:
        nodes.passage.before_answer = lambda asked: None
        nodes.start_deliverer()
    wait_until(lambda: dict(nodes.deliveries(record))[kind] == "delivered", "the second attempt")
    first, second = nodes.passage.posts(path)
    assert first.body == second.body
    assert (first.status, second.status) == (200, 200)
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert nodes.copies(record) == (0 if path == ERASURES else 1)
    assert nodes.recipient.did == RECIPIENT


# -- where a delivery may go -----------------------------------------------------------------------


class SentTo(RecordDelivery):
    """Delivers to an address that a test chose in place of the one on chain."""

    address = ""

    async def _participant(self, organisation: OrganisationId) -> ParticipantRow:
        return replace(await super()._participant(organisation), service_address=self.address)


@pytest.fixture
async def on_public_addresses_alone(two_nodes: TwoNodes) -> AsyncIterator[SentTo]:
    """The first node's delivery as it is outside of a test: no private address is allowed."""
    settings = two_nodes.first.settings
    assert settings.database_url is not None
    database = async_engine(settings.database_url, WEBHOOKS_ROLE, 2)
    yield SentTo(
        database,
        load_deployment(settings.deployment_file),
        load_master_key(settings.keys_dir),
        OperatorIdentity(settings.operator_did, DidKeys(settings.keys_dir), database),
        DidDocuments(database, False),
        False,
    )
    await database.dispose()


async def test_a_record_goes_to_no_address_that_is_not_public(
    nodes: TwoNodes, secret: bytes, on_public_addresses_alone: SentTo
) -> None:
    """Judged at the attempt, whatever the chain says; so is the one on chain, on this machine."""
    delivery, recipient = on_public_addresses_alone, nodes.recipient.id
    with nodes.deliverer_held():
        record = nodes.grant(secret)
        refused = set()
        for url in URLS:
            delivery.address = url
            with pytest.raises((TargetRefused, DeliveryFailed)) as raised:
                await delivery._address_of(recipient)
            refused.add(raised.type)
            if url:
                with pytest.raises(TargetRefused):
                    await delivery._send(recipient, url, "record", [b"{}"])
        assert refused == {TargetRefused, DeliveryFailed}  # the latter for no address at all
        delivery.address = nodes.passage.url
        assert not await delivery.deliver_batch(recipient, "record")
        [row] = nodes.show(record)["deliveries"]
        assert (row["state"], row["attempts"]) == ("waiting", 1)
        assert "not public" in row["lastFailure"] or "not https" in row["lastFailure"]
        assert nodes.passage.passed == []
    nodes.wait_for_deliveries(record, [("record", "delivered")])
