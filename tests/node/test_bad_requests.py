"""Requests that no route can take: not JSON, of another shape, without a right to ask."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from node.api.schemas.agreements import TermsShape
from node.api_keys import hash_api_key, new_api_key
from node.client import NodeClient
from protocol.canonical import digest_of
from protocol.errors import CanonicalisationInvalid
from protocol.record import to_json
from protocol.types import OrganisationId, to_hex
from tests.refusals import assert_problem, nothing_written, refused, send
from tests.stage import World

ZERO = "0x" + "00" * 32
WRITES = (
    "/v1/agreements",
    f"/v1/agreements/{ZERO}/signatures",
    "/v1/consents",
    "/v1/consents/status",
    "/v1/participants",
    "/v1/settlements",
    "/v1/usages",
    "/v1/vouchers",
    "/v1/withdrawals",
)
READS = (
    f"/v1/agreements/{ZERO}",
    f"/v1/consents/{ZERO}",
    f"/v1/proofs/{ZERO}",
    f"/v1/settlements/{ZERO}",
    f"/v1/vouchers?agreement={ZERO}",
)
NOT_JSON = {
    "cut": b'{"terms": ',
    "nothing": b"{]",
    "not UTF-8": b'{"terms": "\xff\xfe"}',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(at_rest: World, body: bytes) -> None:
    with nothing_written(at_rest):
        for path in WRITES:
            answer = send(at_rest.operator, "POST", path, body)
            assert_problem(answer, 400, "json-malformed", "body")


def test_fields_that_nobody_knows_are_refused(at_rest: World) -> None:
    with nothing_written(at_rest):
        for path in WRITES:
            answer = send(at_rest.operator, "POST", path, {"surplus": 1})
            problem = assert_problem(answer, 422, "request-invalid", "surplus")
            [error] = [error for error in problem["errors"] if error["field"] == "surplus"]
            assert "Remove the field" in error["remedy"]


@pytest.mark.parametrize("body", [[], "text", 7, None], ids=str)
def test_what_is_no_object_is_refused(world: World, body: Any) -> None:
    for path in WRITES:
        assert_problem(send(world.operator, "POST", path, body), 422, "request-invalid", "body")


@pytest.mark.parametrize("key", [None, "ptx_" + "A" * 43, "nonsense"], ids=str)
def test_a_caller_without_a_valid_key_is_refused(at_rest: World, key: str | None) -> None:
    caller = NodeClient(at_rest.node.url, key)
    requests = [("POST", path, {}) for path in WRITES if path != "/v1/withdrawals"]
    with nothing_written(at_rest):
        for method, path, body in [*requests, *(("GET", path, None) for path in READS)]:
            answer = send(caller, method, path, body)
            assert_problem(answer, 401, "key-invalid", None)
            assert answer.headers["www-authenticate"] == "Bearer"


def add_key(world: World, organisation: OrganisationId, role: str, days: int) -> NodeClient:
    key = new_api_key()
    world.node.sql(
        "INSERT INTO node.api_keys (key_hash, organisation_id, role, label, expires_at)"
        " VALUES (:hash, :organisation, :role, 'test', :expires)",
        hash=hash_api_key(key),
        organisation=organisation,
        role=role,
        expires=datetime.now(UTC) + timedelta(days=days),
    )
    return NodeClient(world.node.url, key)


def test_an_expired_key_is_refused(at_rest: World, secret: bytes) -> None:
    body = {"records": [to_json(at_rest.make_record(secret))]}
    fresh = add_key(at_rest, at_rest.provider.id, "admin", days=1)
    question = {"consents": [{"leaf": ZERO}]}
    assert send(fresh, "POST", "/v1/consents/status", question).status_code == 404
    expired = add_key(at_rest, at_rest.provider.id, "admin", days=-1)
    refused(at_rest, expired, "/v1/consents", body, 401, "key-invalid", None)


def test_a_key_without_the_role_does_not_enrol(at_rest: World) -> None:
    clerk = add_key(at_rest, at_rest.story.stage.operator_id, "clerk", days=1)
    body = {"did": at_rest.consumer.did, "name": "again"}
    refused(at_rest, clerk, "/v1/participants", body, 403, "role-missing", None)


def test_a_hosted_organisation_does_not_enrol_others(at_rest: World) -> None:
    body = {"did": at_rest.consumer.did, "name": "again"}
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/participants", body, 403, "not-the-operator", None)


def test_nobody_is_hosted_twice_or_before_governance_admits(at_rest: World) -> None:
    again = {"did": at_rest.consumer.did, "name": "again"}
    slug = "participant-already-hosted"
    refused(at_rest, at_rest.operator, "/v1/participants", again, 409, slug, "did")
    unknown = {"did": "did:web:nobody.example", "name": "nobody"}
    refused(at_rest, at_rest.operator, "/v1/participants", unknown, 422, "not-admitted", "did")


TEXTS = {"NUL": "\0", "NUL inside": "a\0b", "surrogate": "\ud800"}


@pytest.mark.parametrize("title", TEXTS.values(), ids=TEXTS)
def test_text_that_the_database_cannot_keep_is_refused(at_rest: World, title: str) -> None:
    document = {"title": title}
    shape = TermsShape.of(at_rest.make_terms()).to_json()
    with suppress(CanonicalisationInvalid):
        shape["documentHash"] = to_hex(digest_of(document))
    body = json.dumps({"terms": shape, "document": document}).encode()
    with nothing_written(at_rest):
        answer = send(at_rest.provider.client, "POST", "/v1/agreements", body)
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert problem["remedy"]
        assert problem["errors"][0]["field"].startswith("document")


def test_a_name_that_the_database_cannot_keep_is_refused(at_rest: World) -> None:
    body = {"did": at_rest.consumer.did, "name": "a\0b"}
    client = at_rest.operator
    refused(at_rest, client, "/v1/participants", body, 422, "request-invalid", "name")


def test_routes_that_do_not_exist_answer_with_a_problem(world: World) -> None:
    assert_problem(send(world.operator, "GET", "/v1/nothing"), 404, "not-found", None)
    wrong = send(world.operator, "DELETE", "/v1/consents")
    assert_problem(wrong, 405, "method-not-allowed", None)
    assert "POST" in wrong.headers["allow"]


@pytest.mark.parametrize("leaf", ["0x12", "12", "0x" + "zz" * 32, "0x" + "00" * 33])
def test_what_is_no_hash_is_refused(world: World, leaf: str) -> None:
    answer = send(world.consumer.client, "GET", f"/v1/consents/{leaf}")
    assert_problem(answer, 422, "request-invalid", "leaf")


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_body_beyond_the_limit_is_refused(at_rest: World, chunked: bool) -> None:
    body = b'{"records": [' + b" " * (33 * 1024 * 1024) + b"]}"
    headers = {
        "Authorization": at_rest.provider.client._http.headers["authorization"],
        "Content-Type": "application/json",
    }
    pieces = (body[start : start + 2**20] for start in range(0, len(body), 2**20))
    with nothing_written(at_rest):
        answer = httpx.post(
            f"{at_rest.node.url}/v1/consents",
            content=pieces if chunked else body,
            headers=headers,
            timeout=30,
        )
        assert_problem(answer, 413, "body-too-large", None)
