"""Who has lost every key asks without one. Anybody can, so there is an end to it, network by
network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from node.asking_networks import neighbourhood_of
from node.commands.keep_rights_requests import UNPROVEN_MAX, UNPROVEN_OF_NETWORK_MAX
from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.requests.learner_session import session_of
from tests.stage import World

WAITING = (
    "SELECT rights_request_id FROM node.rights_requests WHERE organisation_id = :organisation"
    " AND state = 'received' AND token_hash IS NOT NULL"
)

FILL = (
    "INSERT INTO node.rights_requests (rights_request_id, organisation_id, kind, token_hash,"
    " asked_from, received_at, due_at) SELECT substr(sha256(n::text::bytea), 1, 16),"
    " organisation_id, 'access', sha256(n::text::bytea), asked_from, 0, 0"
    " FROM node.rights_requests, generate_series(1, :rows) AS n WHERE rights_request_id = :request"
)
"""Others from the same network as one."""
ASKED_FROM = "SELECT asked_from FROM node.rights_requests WHERE rights_request_id = :request"


def test_there_is_an_end_to_what_anybody_can_ask_without_a_key(world: World, secret: bytes) -> None:
    path = f"/v1/organisations/{to_hex(world.provider.id)}/rights-requests"
    body = {"kind": "access", "message": "What do you have of me?", "contact": "a@example.org"}
    insert = (
        "INSERT INTO node.rights_requests (rights_request_id, organisation_id, kind, token_hash,"
        " received_at, due_at) SELECT substr(sha256(n::text::bytea), 1, 16), :organisation,"
        " 'access', sha256(n::text::bytea), 0, 0 FROM generate_series(1, :rows) AS n"
    )
    waiting = len(world.node.sql(WAITING, organisation=world.provider.id))
    rows = UNPROVEN_MAX - waiting - 1
    world.node.sql(insert, organisation=world.provider.id, rows=rows)
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(httpx.post, world.node.url + path, json=body) for _ in range(8)]
            answers = sorted((each.result() for each in asked), key=lambda each: each.status_code)
        assert [each.status_code for each in answers] == [201] + [429] * 7
        assert_problem(answers[-1], 429, "too-many-rights-requests", "organisation_id")
        other = path.replace(to_hex(world.provider.id), to_hex(world.consumer.id))
        assert httpx.post(world.node.url + other, json=body).status_code == 201
        leaf = to_hex(leaf_of(world.grant_active(secret).entry))
        proven = send(session_of(world, secret), "POST", "/v1/me/objections", {"leaf": leaf})
        assert proven.status_code == 201, "whoever proves a key is not kept out"
        answered = answers[0].json()["request"]["rightsRequestId"]
        world.provider.client.post(f"/v1/rights-requests/{answered}/answer", {"decision": "done"})
        assert httpx.post(world.node.url + path, json=body).status_code == 201
    finally:
        world.node.sql("DELETE FROM node.rights_requests WHERE received_at = 0")


def test_a_stranger_closes_the_door_to_the_own_network_alone(world: World) -> None:
    own = {"organisation": world.consumer.id}
    url = f"{world.node.url}/v1/organisations/{to_hex(world.consumer.id)}/rights-requests"
    body = {"kind": "access", "message": "What do you have of me?", "contact": "a@example.org"}
    asked = httpx.post(url, json=body).json()["request"]["rightsRequestId"]
    request = {"request": bytes.fromhex(asked[2:])}
    rows = UNPROVEN_OF_NETWORK_MAX - len(world.node.sql(WAITING, **own))
    world.node.sql(FILL, rows=rows, **request)
    try:
        refused = httpx.post(url, json=body)
        assert_problem(refused, 429, "too-many-rights-requests", "organisation_id")
        assert "your network" in refused.json()["detail"]
        world.node.sql("UPDATE node.rights_requests SET asked_from = 'x' WHERE received_at = 0")
        assert httpx.post(url, json=body).status_code == 201, "they are another network's"
        answer = f"/v1/rights-requests/{asked}/answer"
        world.consumer.client.post(answer, {"decision": "done"})
        [row] = world.node.sql(ASKED_FROM, **request)
        assert row.asked_from is None, "with the answer it is forgotten"
    finally:
        world.node.sql("DELETE FROM node.rights_requests WHERE received_at = 0")


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_network(network: str, expected: str) -> None:
    assert neighbourhood_of(network) == expected
