"""Marked values in a record that goes to another node: sealed there and here, and in no sink."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from node.intake.records import signed_slip
from protocol.entries import leaf_of
from protocol.record import Record, to_json
from protocol.slip import encode_slip
from protocol.types import to_hex
from tests.records.guardians import guarded
from tests.records.test_strangers import deliver, records_for
from tests.records.two_nodes import TwoNodes
from tests.stage import Json, wait_until
from tests.watch.sinks import api_key_of, both_forms, dump_of, keys_of, leaks, received, sinks
from tests.webhook_receiver import Receiver, open_receiver

RECORDS, HOOKS = "/v1/records", "/v1/webhooks"


@pytest.fixture
def receiver(nodes: TwoNodes) -> Iterator[Receiver]:
    """Told of all events by both nodes."""
    parties = (nodes.issuer.client, nodes.recipient.client)
    with open_receiver() as opened:
        hook = {"url": opened.url, "includeUnfinal": True}
        made = [party.post(HOOKS, hook)["webhookId"] for party in parties]
        yield opened
        for party, webhook_id in zip(parties, made, strict=True):
            party.delete(f"{HOOKS}/{webhook_id}")


@pytest.fixture
def mark() -> str:
    return f"canary{secrets.token_hex(8)}"


def marked(nodes: TwoNodes, secret: bytes, guardian: bytes, mark: str) -> Record:
    """A guardian's record in which a person and what was shown to them are marked."""
    receipt = nodes.make_record(secret).document.receipt
    person = {**receipt["record"], "piiPrincipalId": f"{mark} Durand"}
    notice = {"reference": f"https://{mark}.example/notice", "language": "fr"}
    changes = {"receipt": {**receipt, "record": person}, "notice": notice}
    return guarded(nodes, secret, guardian, **changes)


def secrets_of(record: Record, secret: bytes, guardian: bytes, mark: str) -> dict[str, bytes]:
    """What none but the parties, with the master key, may read of a record."""
    value = to_json(record)
    made = {
        "the holder's key": secret.hex(),
        "the guardian's key": guardian.hex(),
        "the guardian": value["document"]["guardian"][2:],
        "the guardian's signature": value["guardianSignature"][2:],
        "the grant's signature": value["grantSignature"][2:],
        "the blinding": value["blinding"][2:],
        "the slip": encode_slip(signed_slip(record, secret)).hex(),
    }
    found = both_forms({name: each.encode() for name, each in made.items()})
    return {"the mark": mark.encode(), **found}


def keys_of_both(nodes: TwoNodes) -> dict[str, bytes]:
    named = {
        f"{name} of the {which}": key
        for which, node in (("first", nodes.first), ("second", nodes.second))
        for name, key in keys_of(node).items()
    }
    named["the issuer's API key"] = api_key_of(nodes.issuer.client)
    named["the recipient's API key"] = api_key_of(nodes.recipient.client)
    return both_forms(named)


def places(nodes: TwoNodes) -> dict[str, bytes]:
    return {
        f"{place} of the {which}": content
        for which, node in (("first", nodes.first), ("second", nodes.second))
        for place, content in sinks(node).items()
    }


def test_a_delivered_record_is_sealed_at_both_and_in_no_sink(
    nodes: TwoNodes, secret: bytes, receiver: Receiver, mark: str
) -> None:
    """Also where the receiver's answer repeats what was sent to it, as some proxies do."""
    guardian = secrets.token_bytes(32)
    record = marked(nodes, secret, guardian, mark)
    echo = json.dumps(to_json(record)["document"]["receipt"]["record"])
    with nodes.passage.refusing(503, echo):
        nodes.world.grant(record)
        wait_until(lambda: mark in last_failure(nodes, record), "the echo, for the issuer to read")
    nodes.wait_for_deliveries(record, [("record", "delivered")])
    nodes.wait_for_gate(record, "active")
    slip = to_hex(encode_slip(signed_slip(record, secret)))
    nodes.recipient.client.post("/v1/withdrawals", {"slip": slip})
    nodes.world.wait_for_state(record, "withdrawn")
    nodes.wait_for_gate(record, "withdrawn")
    leaf = leaf_of(record.entry).hex().encode()
    wait_until(lambda: told_twice(receiver, leaf), "the ending, told by both nodes")

    secret_values = {**secrets_of(record, secret, guardian, mark), **keys_of_both(nodes)}
    assert leaks(secret_values, {"a receiver": received(receiver)}) == []
    written = both_forms({"the leaf": leaf, "the holder": record.entry.holder.hex().encode()})
    assert leaks({**secret_values, **written}, places(nodes)) == []
    dumps = {"the first database": dump_of(nodes.first), "the second": dump_of(nodes.second)}
    assert leaks(secret_values, dumps) == []
    # The record is in both all the same, so that there was something to seal.
    assert leaks({"the leaf": leaf}, dumps) == [
        "the leaf in the first database",
        "the leaf in the second",
    ]


def test_what_a_receiver_said_of_one_record_is_not_told_with_another(
    nodes: TwoNodes, secret: bytes, mark: str
) -> None:
    """Both leave in one request; their issuers may be two."""
    record = marked(nodes, secret, secrets.token_bytes(32), mark)
    with nodes.passage.refusing(503, f"no room for {mark}"):
        with nodes.deliverer_held():
            nodes.world.grant(record)
            other = nodes.grant(secrets.token_bytes(32))
            nodes.world.wait_for_state(record, "active")
            nodes.world.wait_for_state(other, "active")
        wait_until(lambda: bool(last_failure(nodes, record)), "a refusal of both")
        wait_until(lambda: bool(last_failure(nodes, other)), "the other's, too")
        assert last_failure(nodes, other) == last_failure(nodes, record)
        assert last_failure(nodes, other) == "The receiver answered 503"
    for each in (record, other):
        nodes.wait_for_deliveries(each, [("record", "delivered")])


def test_what_a_receiver_said_of_a_record_is_erased_with_it(
    nodes: TwoNodes, secret: bytes, mark: str
) -> None:
    record = marked(nodes, secret, secrets.token_bytes(32), mark)
    with nodes.passage.refusing(503, f"no room for {mark}"):
        nodes.world.grant(record)
        wait_until(lambda: mark in last_failure(nodes, record), "the receiver's words")
        nodes.world.wait_for_state(record, "active")
        nodes.end(record, secret)
        nodes.erase(record)
    wait_until(lambda: nodes.show(record)["erasure"]["state"] == "erased", "the erasure")
    assert leaks({"the mark": mark.encode()}, {"it": dump_of(nodes.first)}) == []


def test_a_refusal_names_the_place_and_not_what_stands_there(
    nodes: TwoNodes, secret: bytes, mark: str
) -> None:
    """The sender keeps the reason; another version of a node may refuse what it took."""
    value = records_for(nodes, nodes.make_record(secret))
    [broken] = value["records"]
    broken["document"]["assurance"] = f"{mark} Durand"
    [result] = deliver(nodes, RECORDS, value).json()["results"]
    assert result["outcome"] == "refused"
    assert result["reason"] == "The record breaks its schema at $.document.assurance."


def last_failure(nodes: TwoNodes, record: Record) -> str:
    [delivery, *_] = nodes.show(record)["deliveries"]
    return delivery["lastFailure"] or ""


def told_twice(receiver: Receiver, leaf: bytes) -> bool:
    endings: list[Json] = [json.loads(body) for _, body in receiver.requests if leaf in body]
    return sum(each["name"] == "ConsentEnded" for each in endings) >= 2
