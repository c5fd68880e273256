"""Who is not the issuer, nor its operator, gets a refusal from a node, and leaves nothing there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from node.did_keys import DidKeys
from node.record_delivery import REFUSALS_BELIEVED
from protocol.entries import leaf_of
from protocol.record import Record, to_json
from protocol.record_delivery import Confirmed, body_claim, confirmation_facts
from protocol.tokens import (
    CONFIRMATION_TYPE,
    DELIVERY_TYPE,
    REQUEST_TYPE,
    check_statement,
    read_token,
)
from protocol.types import ContractAddress, to_hex
from tests.records.command_line import run
from tests.records.signed_tokens import Jwk, claims_of, new_key, signed
from tests.records.two_nodes import SECOND_OPERATOR, TwoNodes
from tests.refusals import assert_problem
from tests.refusals import send as ask
from tests.stage import counts, wait_until

RECORDS, ERASURES = "/v1/records", "/v1/records/erasures"


def key_of_first(nodes: TwoNodes) -> Jwk:
    return DidKeys(nodes.first.settings.keys_dir).newest_first()[0].private_jwk


def key_of_second(nodes: TwoNodes) -> Jwk:
    return DidKeys(nodes.second.settings.keys_dir).newest_first()[0].private_jwk


def deliver(
    nodes: TwoNodes,
    path: str,
    value: Any,
    did: str | None = None,
    key: Jwk | None = None,
    token_type: str = DELIVERY_TYPE,
    **changes: Any,
) -> httpx.Response:
    """To the second node, as the first operator unless told; right but for the changes."""
    body = json.dumps(value).encode()
    sender = did or nodes.first.settings.operator_did
    claims = claims_of(sender, nodes.passage.url, **{**body_claim(body), **changes})
    token = signed(sender, key or key_of_first(nodes), claims, token_type)
    return send(nodes, path, body, token)


def send(nodes: TwoNodes, path: str, body: bytes, token: str | None) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.post(nodes.passage.url + path, content=body, headers=headers)


def records_for(nodes: TwoNodes, *records: Record, **changes: Any) -> Jwk:
    recipient = to_hex(nodes.recipient.id)
    return {"recipient": recipient, "records": [to_json(record) for record in records], **changes}


def erasures_for(nodes: TwoNodes, record: Record, **changes: Any) -> Jwk:
    order = {
        "leaf": to_hex(leaf_of(record.entry)),
        "issuer": to_hex(record.entry.issuer),
        **changes,
    }
    return {"recipient": to_hex(nodes.recipient.id), "erasures": [order]}


@contextmanager
def nothing_kept(nodes: TwoNodes) -> Iterator[None]:
    """Inside the block no table of the second node changes its number of rows, but for the tokens
    that were used and forgotten."""

    def rows() -> dict[str, int]:
        with nodes.second.engine.connect() as connection:
            found = counts(connection)
        return {name: count for name, count in found.items() if name != "used_tokens"}

    before = rows()
    yield
    assert rows() == before


def assert_refused(answer: httpx.Response, status: int, slug: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/problems/{slug}"
    assert "results" not in answer.json()


def test_the_right_delivery_is_taken_and_confirmed(nodes: TwoNodes, secret: bytes) -> None:
    """So that the refusals below are for what they change."""
    record = nodes.make_record(secret)
    for _ in range(2):
        answer = deliver(nodes, RECORDS, records_for(nodes, record))
        assert answer.status_code == 200, answer.text
        [result] = answer.json()["results"]
        assert (result["outcome"], result["reason"]) == ("stored", None)
        facts = confirmation_facts(
            Confirmed.STORED,
            leaf_of(record.entry),
            nodes.recipient.id,
            record.chain_id,
            ContractAddress(record.registry),
        )
        token = read_token(result["confirmation"], CONFIRMATION_TYPE)
        check_statement(token, nodes.first.settings.operator_did, facts, time.time())
        assert nodes.copies(record) == 1
    assert nodes.gate(record) == "not-anchored"


def test_who_is_not_admitted_gets_nothing(nodes: TwoNodes, secret: bytes) -> None:
    value = records_for(nodes, nodes.make_record(secret))
    body = json.dumps(value).encode()
    with nothing_kept(nodes):
        for token in (None, "ptx_nothing", "a.b.c", "..."):
            assert_refused(send(nodes, RECORDS, body, token), 401, "token-refused")
            assert_refused(send(nodes, ERASURES, body, token), 401, "token-refused")
        stranger = deliver(nodes, RECORDS, value, did="did:web:nobody.example", key=new_key())
        assert_refused(stranger, 401, "token-refused")


def test_a_forged_key_gets_nothing(nodes: TwoNodes, secret: bytes) -> None:
    value = records_for(nodes, nodes.make_record(secret))
    first = nodes.first.settings.operator_did
    with nothing_kept(nodes):
        for key in (new_key(), new_key("secp256k1"), new_key("Ed25519"), key_of_second(nodes)):
            assert_refused(deliver(nodes, RECORDS, value, key=key), 401, "token-refused")
        # An operator's own key under another operator's name, and the other way round.
        other = deliver(nodes, RECORDS, value, did=SECOND_OPERATOR, key=key_of_first(nodes))
        assert_refused(other, 401, "token-refused")
        other = deliver(nodes, RECORDS, value, did=first, iss=SECOND_OPERATOR)
        assert_refused(other, 401, "token-refused")


def test_a_token_is_for_one_body_one_node_one_time_and_one_purpose(
    nodes: TwoNodes, secret: bytes
) -> None:
    record = nodes.make_record(secret)
    value = records_for(nodes, record)
    body = json.dumps(value).encode()
    first = nodes.first.settings.operator_did
    claims = claims_of(first, nodes.passage.url, **body_claim(body))
    with nothing_kept(nodes):
        token = signed(first, key_of_first(nodes), claims, DELIVERY_TYPE)
        assert_refused(send(nodes, RECORDS, body + b" ", token), 401, "token-refused")
        for changes in (
            {"aud": nodes.first.url},
            {"aud": nodes.second.url},
            {"body_sha256": None},
            {"body_sha256": "0x" + "00" * 32},
            {"exp": int(time.time()) - 1},
            {"sub": SECOND_OPERATOR},
        ):
            answer = deliver(nodes, RECORDS, value, **changes)
            assert_refused(answer, 401, "token-refused")
        for token_type in (REQUEST_TYPE, CONFIRMATION_TYPE):
            answer = deliver(nodes, RECORDS, value, token_type=token_type)
            assert_refused(answer, 401, "token-refused")
    assert send(nodes, RECORDS, body, token).status_code == 200
    assert_refused(send(nodes, RECORDS, body, token), 401, "token-refused")


def test_an_admitted_operator_delivers_nothing_of_others(nodes: TwoNodes, secret: bytes) -> None:
    """The second operator runs this node, yet the issuer has not delegated to it."""
    record = nodes.make_record(secret)
    as_second = {"did": SECOND_OPERATOR, "key": key_of_second(nodes)}
    with nothing_kept(nodes):
        for path, value in (
            (RECORDS, records_for(nodes, record)),
            (ERASURES, erasures_for(nodes, record)),
        ):
            answer = deliver(nodes, path, value, **as_second)
            assert answer.status_code == 200, answer.text
            [result] = answer.json()["results"]
            assert (result["outcome"], result["confirmation"]) == ("refused", None)
            assert "nor anchors for it" in result["reason"]


def test_nobody_erases_the_records_of_others(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    as_second = {"did": SECOND_OPERATOR, "key": key_of_second(nodes)}
    own = to_hex(nodes.recipient.id)
    for issuer in (to_hex(record.entry.issuer), own):
        deliver(nodes, ERASURES, erasures_for(nodes, record, issuer=issuer), **as_second)
        assert nodes.gate(record) == "active"
        assert nodes.copies(record) == 1


def test_only_an_organisation_that_is_hosted_here_receives(nodes: TwoNodes, secret: bytes) -> None:
    world = nodes.world
    record = nodes.make_record(secret, recipients=[nodes.recipient.did, world.consumer.did])
    with nothing_kept(nodes):
        for recipient in (to_hex(world.consumer.id), to_hex(nodes.issuer.id), "0x" + "00" * 20):
            value = records_for(nodes, record, recipient=recipient)
            assert_refused(deliver(nodes, RECORDS, value), 404, "recipient-not-hosted")
            value = {**erasures_for(nodes, record), "recipient": recipient}
            assert_refused(deliver(nodes, ERASURES, value), 404, "recipient-not-hosted")


def test_each_node_names_the_organisations_that_it_hosts(nodes: TwoNodes) -> None:
    path = f"/v1/participants/{to_hex(nodes.recipient.id)}"
    both = (nodes.first, nodes.second)
    at_first, at_second = (httpx.get(f"{node.url}{path}").json() for node in both)
    assert at_first["did"] == at_second["did"] == nodes.recipient.did
    assert (at_first["name"], at_second["name"]) == (None, "Recipient")


def test_only_a_record_that_is_the_recipients_is_kept(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.make_record(secret)
    damaged = {**to_json(record), "blinding": "0x" + "11" * 32}
    moved = to_json(replace(record, chain_id=record.chain_id + 1))
    not_named = to_json(nodes.make_record(secret, recipients=[nodes.world.consumer.did]))
    other_terms = to_json(nodes.make_record(secret, agreement_id=nodes.world.agreement))
    unknown_terms = to_json(nodes.make_record(secret, agreement_id=b"\x09" * 32))
    values = [damaged, moved, not_named, other_terms, unknown_terms, {}, {**damaged, "more": 1}]
    with nothing_kept(nodes):
        answer = deliver(nodes, RECORDS, {**records_for(nodes), "records": values})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
    assert [result["outcome"] for result in results] == [
        *("refused", "refused", "refused", "refused", "later", "refused", "refused")
    ]
    assert all(result["reason"] and result["confirmation"] is None for result in results)


def test_a_record_does_not_come_after_its_erasure(nodes: TwoNodes, secret: bytes) -> None:
    """Reordered on the way, or replayed by whoever has the key."""
    record = nodes.make_record(secret)
    for _ in range(2):
        [erased] = deliver(nodes, ERASURES, erasures_for(nodes, record)).json()["results"]
        assert erased["outcome"] == "erased"
        [result] = deliver(nodes, RECORDS, records_for(nodes, record)).json()["results"]
        assert (result["outcome"], result["confirmation"]) == ("refused", None)
        assert "erased" in result["reason"]
        assert nodes.copies(record) == 0


def test_an_erasure_by_another_issuer_keeps_no_record_out(nodes: TwoNodes, secret: bytes) -> None:
    """The leaf is public: whoever names it as its own gets nowhere with it."""
    record = nodes.make_record(secret)
    world = nodes.world
    operator = to_hex(world.story.stage.operator_id)
    order = erasures_for(nodes, record, issuer=operator)
    [erased] = deliver(nodes, ERASURES, order).json()["results"]
    assert erased["outcome"] == "erased"
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}"
    assert_problem(ask(nodes.recipient.client, "GET", path), 404, "consent-not-found", None)
    [stored] = deliver(nodes, RECORDS, records_for(nodes, record)).json()["results"]
    assert stored["outcome"] == "stored"
    [late] = deliver(nodes, ERASURES, order).json()["results"]
    assert late["outcome"] == "erased"
    assert ask(nodes.recipient.client, "GET", path).status_code == 200


def test_a_recipient_is_told_that_a_record_is_erased(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant(secret)
    nodes.wait_for_deliveries(record, [("record", "delivered")])
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}"
    assert ask(nodes.recipient.client, "GET", path).status_code == 200
    deliver(nodes, ERASURES, erasures_for(nodes, record))
    assert_problem(ask(nodes.recipient.client, "GET", path), 410, "record-erased", None)


def test_erasures_and_records_at_once_leave_nothing(nodes: TwoNodes) -> None:
    records = [nodes.make_record(bytes([0x41 + index]) * 32) for index in range(6)]
    with ThreadPoolExecutor(8) as pool:
        done = []
        for record in records:
            done.append(pool.submit(deliver, nodes, RECORDS, records_for(nodes, record)))
            done.append(pool.submit(deliver, nodes, ERASURES, erasures_for(nodes, record)))
        assert {each.result().status_code for each in done} == {200}
    assert [nodes.copies(record) for record in records] == [0] * 6


def test_a_refusal_is_believed_in_the_end(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.make_record(secret)
    [erased] = deliver(nodes, ERASURES, erasures_for(nodes, record)).json()["results"]
    assert erased["outcome"] == "erased"
    with nodes.deliverer_held():
        nodes.world.grant(record)
        nodes.first.sql(
            "UPDATE node.deliveries SET attempts = :tried WHERE leaf = :leaf",
            tried=REFUSALS_BELIEVED - 2,
            leaf=leaf_of(record.entry),
        )
    wait_until(lambda: nodes.show(record)["deliveries"][0]["lastFailure"], "the first refusal")
    assert nodes.deliveries(record) == [("record", "waiting")]
    nodes.first.sql(
        "UPDATE node.deliveries SET next_attempt_at = now() WHERE leaf = :leaf",
        leaf=leaf_of(record.entry),
    )
    nodes.wait_for_deliveries(record, [("record", "refused")])
    assert "erased" in nodes.show(record)["deliveries"][0]["lastFailure"]


@pytest.mark.deep
def test_a_rotated_key_counts_as_soon_as_the_chain_says_so(nodes: TwoNodes, secret: bytes) -> None:
    """By the command line; `--alone` ends the earlier key at once."""

    def rotated(*options: str) -> Jwk:
        """The new key, once the chain names it."""
        run(nodes.first, "did", "rotate", *options, as_json=False)
        path = f"{nodes.second.url}/v1/participants/{to_hex(nodes.world.story.stage.operator_id)}"
        shown = run(nodes.first, "did", "show")
        wait_until(
            lambda: httpx.get(path).json()["didDocumentHash"] == shown["documentHash"],
            "the rotation in the second index",
        )
        return key_of_first(nodes)

    earlier = key_of_first(nodes)
    value = records_for(nodes, nodes.make_record(secret))
    second = rotated()
    assert second != earlier
    assert [deliver(nodes, RECORDS, value, key=key).status_code for key in (earlier, second)] == [
        *(200, 200)
    ]
    newest = rotated("--alone")
    assert deliver(nodes, RECORDS, value, key=newest).status_code == 200
    for key in (earlier, second):
        assert_refused(deliver(nodes, RECORDS, value, key=key), 401, "token-refused")
    shown = run(nodes.first, "did", "show")
    assert shown["isPublished"]
    assert len(shown["document"]["verificationMethod"]) == 1
    granted = nodes.grant(b"\x61" * 32)
    nodes.wait_for_deliveries(granted, [("record", "delivered")])
    token = nodes.passage.posts(RECORDS)[-1].headers["Authorization"].removeprefix("Bearer ")
    assert read_token(token, DELIVERY_TYPE).kid == shown["document"]["authentication"][0]
