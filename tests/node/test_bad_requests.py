"""Requests that no route can take: not JSON, of another shape, without a right to ask."""

from __future__ import annotations

import json
import re
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
}


def test_what_is_nested_too_deep_is_refused(at_rest: World) -> None:
    with nothing_written(at_rest):
        for path in WRITES:
            answer = send(at_rest.operator, "POST", path, b"[" * 10_000)
            assert_problem(answer, 400, "json-too-deep", None)


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


def test_query_parameters_that_nobody_knows_are_refused(at_rest: World) -> None:
    """On every route that the API describes; pages for people take what is appended to links."""
    described = at_rest.operator.get("/openapi.json")
    asked = 0
    with nothing_written(at_rest):
        for path, operations in described["paths"].items():
            target = re.sub(r"\{month\}", "2026-11", path)
            target = re.sub(r"\{account\}", "issued", target)
            target = re.sub(r"\{(\w+)\}", ZERO, target)
            for method in operations:
                answer = send(at_rest.operator, method, f"{target}?limit=1&surplus=2&at_=3", {})
                problem = assert_problem(answer, 422, "request-invalid", "surplus")
                assert {"surplus", "at_"} <= {error["field"] for error in problem["errors"]}
                asked += 1
    assert asked > 30
    for path in ("/problems/index-stale", "/docs"):
        assert at_rest.operator._http.get(f"{path}?utm_source=letter").status_code == 200


def test_what_is_asked_of_another_time_is_not_answered_of_now(world: World) -> None:
    answer = send(world.operator, "GET", "/v1/participants?at=1")
    problem = assert_problem(answer, 422, "request-invalid", "at")
    assert "after, limit" in problem["remedy"]


def test_the_quick_status_check_refuses_parameters_too(world: World) -> None:
    body = {"consents": [{"leaf": ZERO}]}
    answer = send(world.operator, "POST", "/v1/consents/status?at=1", body)
    problem = assert_problem(answer, 422, "request-invalid", "at")
    assert "takes none" in problem["remedy"]


@pytest.mark.parametrize("body", [[], "text", 7, None], ids=str)
def test_what_is_no_object_is_refused(world: World, body: Any) -> None:
    for path in WRITES:
        assert_problem(send(world.operator, "POST", path, body), 422, "request-invalid", "body")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"], ids=str)
def test_a_body_that_is_not_declared_as_json_is_refused(at_rest: World, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    with nothing_written(at_rest):
        for path in WRITES:
            answer = at_rest.operator._http.post(path, content=b"{}", headers=headers)
            problem = assert_problem(answer, 415, "content-type-not-json", "Content-Type")
            assert problem["remedy"] == "Send the header `Content-Type: application/json`."
            assert (kind or "missing") in problem["detail"]
            assert answer.headers["accept"] == "application/json"


def test_a_body_that_is_missing_is_asked_for(world: World) -> None:
    for path in WRITES:
        answer = world.operator._http.post(path)
        assert "missing" in assert_problem(answer, 422, "request-invalid", "body")["detail"]


@pytest.mark.parametrize("key", [None, "ptx_" + "A" * 43, "nonsense"], ids=str)
def test_a_caller_without_a_valid_key_is_refused(at_rest: World, key: str | None) -> None:
    caller = NodeClient(at_rest.node.url, key)
    requests = [("POST", path, {}) for path in WRITES if path != "/v1/withdrawals"]
    with nothing_written(at_rest):
        for method, path, body in [*requests, *(("GET", path, None) for path in READS)]:
            answer = send(caller, method, path, body)
            problem = assert_problem(answer, 401, "key-invalid", None)
            assert "Authorization: Bearer ptx_" in problem["remedy"]
            for place in (".ptx", str(at_rest.node.settings.state_dir)):
                assert place not in answer.text
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
    body = {"did": at_rest.consumer.did, "name": "again"}
    for role in ("operator", "auditor", "a role of no meaning"):
        caller = add_key(at_rest, at_rest.story.stage.operator_id, role, days=1)
        refused(at_rest, caller, "/v1/participants", body, 403, "role-missing", None)


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


VALUES: dict[str, tuple[Any, str, str]] = {
    "a number for a hash": (
        5,
        "A hash is 32 bytes as 0x and 64 hexadecimal digits",
        "Send 32 byte",
    ),
    "a hash without 0x": ("ab" * 32, "does not begin with 0x", "0x and 64 hexadecimal digits"),
    "a hash of other letters": ("0x" + "zz" * 32, "other characters after 0x", "64 hexadecimal"),
    "a hash cut": ("0x12", "this has 2 digits", "0x and 64 hexadecimal digits"),
}


@pytest.mark.parametrize(("value", "detail", "remedy"), VALUES.values(), ids=VALUES)
def test_a_wrong_value_is_explained_in_plain_words(
    world: World, value: Any, detail: str, remedy: str
) -> None:
    body = {"consents": [{"leaf": value}]}
    answer = send(world.operator, "POST", "/v1/consents/status", body)
    problem = assert_problem(answer, 422, "request-invalid", "consents.0.leaf")
    [error] = problem["errors"]
    assert detail in error["detail"]
    assert remedy in error["remedy"]


FAULTS: dict[str, tuple[str, Any, str]] = {
    "no object": ("terms", [], "This is no JSON object."),
    "no array": ("terms.parties", {}, "This is no JSON array."),
    "too few": ("terms.parties", [ZERO[:42]], "The list is too short."),
    "too many": ("terms.lines", [{}] * 33, "The list is too long."),
    "no number": ("terms.validFrom", "soon", "This is no whole number."),
    "half a number": ("terms.validFrom", 1.5, "This is no whole number."),
    "below": ("terms.validUntil", -1, "The number is too small."),
    "above": ("terms.validUntil", 2**53, "The number is too large."),
    "an unknown field": ("terms.valid", 1, "There is no such field."),
    "NUL": ("document", {"a": "\0"}, "The text has the character U+0000."),
}


@pytest.mark.parametrize(("field", "value", "detail"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_the_field_as_it_is_on_the_wire(
    at_rest: World, field: str, value: Any, detail: str
) -> None:
    body: dict[str, Any] = {"terms": TermsShape.of(at_rest.make_terms()).to_json()}
    *outer, name = field.split(".")
    (body[outer[0]] if outer else body)[name] = value
    answer = send(at_rest.operator, "POST", "/v1/agreements", body)
    problem = assert_problem(answer, 422, "request-invalid", field)
    assert [error["detail"] for error in problem["errors"] if error["field"] == field] == [detail]


def test_a_missing_field_is_named_in_camel_case(world: World) -> None:
    answer = send(world.operator, "POST", "/v1/usages", {})
    problem = assert_problem(answer, 422, "request-invalid", "agreementId")
    assert {error["field"] for error in problem["errors"]} == {"agreementId", "consents"}


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


def test_invented_methods_leave_one_count_and_no_more(at_rest: World) -> None:
    for index in range(30):
        httpx.request(f"INVENTED{index}", f"{at_rest.node.url}/v1/rates")
    metrics = at_rest.node.metrics()
    assert "INVENTED" not in metrics
    assert 'method="other"' in metrics


@pytest.mark.parametrize(
    "did", ["", "garbage", "did:", "did:web", "did:WEB:x", "did:web:", "did:web:a b"]
)
def test_what_is_no_did_is_named_beside_what_else_is_wrong(at_rest: World, did: str) -> None:
    body = {"did": did, "name": ""}
    answer = httpx.post(
        f"{at_rest.node.url}/v1/participants",
        json=body,
        headers={"Authorization": at_rest.operator._http.headers["authorization"]},
    )
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["did", "name"]
    assert "text" in answer.json()["errors"][1]["detail"]
