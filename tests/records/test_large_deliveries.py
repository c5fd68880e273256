"""No record is so large, and no answer so odd, that one record keeps back the others."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from node.delivery_bodies import BODY_BYTES_MAX, cut, is_about_items
from node.delivery_queue import Claimed
from protocol.canonical import canonicalise
from protocol.entries import encode_entry
from protocol.record import RECORD_BYTES_MAX, Record, to_json
from protocol.types import to_hex
from tests.records.test_strangers import deliver, records_for
from tests.records.two_nodes import TwoNodes
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import wait_until

PATH = "/v1/records"


def make_large(nodes: TwoNodes, secret: bytes, length: int = RECORD_BYTES_MAX) -> Record:
    """A record whose canonical JSON has so many bytes, most of them in characters of two bytes."""
    purpose = nodes.world.story.documents.receipt.purposes[0]
    short = length - len(canonicalise(to_json(nodes.make_record(secret))))
    receipt = copy.deepcopy(dict(purpose.receipt))
    receipt["piiProcessing"]["purposes"][0]["purpose"] += "é" * (short // 2) + "e" * (short % 2)
    return nodes.make_record(secret, purpose=replace(purpose, receipt=receipt))


@pytest.fixture
def nodes(nodes: TwoNodes) -> Iterator[TwoNodes]:
    yield nodes
    nodes.passage.refuse = lambda body: None


def test_the_largest_record_is_delivered_and_a_larger_one_is_not_granted(nodes: TwoNodes) -> None:
    largest = make_large(nodes, b"\x21" * 32)
    assert len(canonicalise(to_json(largest))) == RECORD_BYTES_MAX
    nodes.world.grant(largest)
    nodes.wait_for_deliveries(largest, [("record", "delivered")])
    larger = make_large(nodes, b"\x22" * 32, RECORD_BYTES_MAX + 1)
    body = {"records": [to_json(largest), to_json(larger)]}
    with nothing_written(nodes.world):
        answer = send(nodes.issuer.client, "POST", "/v1/consents", body)
        assert_problem(answer, 422, "record-too-large", "records.1")
    assert answer.json()["values"] == {
        "what": "the record",
        "length": RECORD_BYTES_MAX + 1,
        "lengthMax": RECORD_BYTES_MAX,
    }


def test_a_larger_record_is_not_received_either(nodes: TwoNodes, secret: bytes) -> None:
    larger, good = make_large(nodes, secret, RECORD_BYTES_MAX + 1), nodes.make_record(b"\x23" * 32)
    answer = deliver(nodes, PATH, records_for(nodes, larger, good))
    assert answer.status_code == 200, answer.text
    refused, stored = answer.json()["results"]
    assert (refused["outcome"], stored["outcome"]) == ("refused", "stored")
    assert f"the limit is {RECORD_BYTES_MAX}" in refused["reason"]
    assert (nodes.copies(larger), nodes.copies(good)) == (0, 1)


def test_a_request_is_cut_by_its_bytes_and_escapes_nothing(nodes: TwoNodes) -> None:
    records = [make_large(nodes, bytes([index]) * 32) for index in range(1, 31)]
    nodes.world.grant(*records)
    for record in records:
        nodes.wait_for_deliveries(record, [("record", "delivered")])
    bodies = [each.body for each in nodes.passage.posts(PATH)]
    assert max(map(len, bodies)) < BODY_BYTES_MAX + 1_000
    assert len(bodies) < len(records) / 5
    assert sum(map(len, bodies)) < len(records) * (RECORD_BYTES_MAX + 100)


@pytest.mark.parametrize("status", [400, 403, 413, 422, 500])
def test_a_record_that_is_refused_on_the_way_keeps_back_no_other(
    nodes: TwoNodes, status: int
) -> None:
    records = [nodes.make_record(bytes([index, status % 251]) * 16) for index in range(1, 21)]
    odd = records[7]
    entry = to_hex(encode_entry(odd.entry)).encode()
    nodes.passage.refuse = lambda body: status if entry in body else None
    with nodes.deliverer_held():
        nodes.world.grant(*records)
    for record in records:
        if record is not odd:
            nodes.wait_for_deliveries(record, [("record", "delivered")])
    [delivery] = nodes.show(odd)["deliveries"]
    assert delivery["state"] == "waiting"
    wait_until(lambda: nodes.show(odd)["deliveries"][0]["lastFailure"], "the failure")
    assert (
        f"answered {status}: refused on the way"
        in (nodes.show(odd)["deliveries"][0]["lastFailure"])
    )
    later = nodes.grant(bytes([77, status % 251]) * 16)  # while the other one still waits
    nodes.wait_for_deliveries(later, [("record", "delivered")])
    nodes.passage.refuse = lambda body: None
    nodes.wait_for_deliveries(odd, [("record", "delivered")])


def test_who_is_away_is_asked_once_for_all_and_then_left_alone(nodes: TwoNodes) -> None:
    records = [nodes.make_record(bytes([index, 99]) * 16) for index in range(1, 21)]
    nodes.passage.refuse = lambda body: 401
    with nodes.deliverer_held():
        nodes.world.grant(*records)
    wait_until(
        lambda: all(nodes.show(record)["deliveries"][0]["lastFailure"] for record in records),
        "all failures",
    )
    attempts = [nodes.show(record)["deliveries"][0]["attempts"] for record in records]
    bodies = [each.body for each in nodes.passage.posts(PATH)]
    assert len(bodies) <= max(attempts) + 1
    assert len(json.loads(bodies[0])["records"]) == len(records)
    nodes.passage.refuse = lambda body: None
    for record in records:
        nodes.wait_for_deliveries(record, [("record", "delivered")])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, True),
        (401, False),
        (403, True),
        (404, False),
        (408, False),
        (413, True),
        (422, True),
        (429, False),
        (500, True),
        (503, False),
    ],
)
def test_which_answers_say_something_of_the_items(status: int, expected: bool) -> None:
    assert is_about_items(status) is expected


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([10], [[10]]),
        ([11], [[11]]),
        ([5, 5, 1], [[5, 5], [1]]),
        ([1, 11, 1], [[1], [11], [1]]),
        ([4, 4, 4, 4], [[4, 4], [4, 4]]),
    ],
)
def test_parts_are_as_large_as_they_may_be(lengths: list[int], expected: list[list[int]]) -> None:
    items = [(Claimed(b"", b"", 1), bytes(length)) for length in lengths]
    assert [[len(value) for _, value in part] for part in cut(items, 10)] == expected
