"""The description of the API declares the problems that its operations answer, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from sqlalchemy.exc import OperationalError

from node.api.app import create_app
from node.api.key_lookups import KeyLookups
from node.api.openapi import BESIDES, PROBLEM, WITHOUT_DATABASE
from protocol.types import to_hex
from tests.refusals import send
from tests.stage import Json, World, hash_of

ZERO = "0x" + "00" * 32


@pytest.fixture(scope="module")
def description() -> Json:
    described: Json = create_app().openapi()
    return described


def operations(description: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def declared(description: Json, method: str, path: str) -> set[int]:
    return {int(status) for status in description["paths"][path][method]["responses"]}


def test_the_frameworks_own_error_is_gone(description: Json) -> None:
    assert "ValidationError" not in str(description)
    assert description["components"]["schemas"]["Problem"] == PROBLEM
    Draft202012Validator.check_schema(PROBLEM)


def test_every_error_is_declared_as_a_problem_document(description: Json) -> None:
    for method, path, operation in operations(description):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                name = response["$ref"].removeprefix("#/components/responses/")
                shared = description["components"]["responses"][name]
                [(media_type, content)] = shared["content"].items()
                assert media_type == "application/problem+json", (method, path)
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_what_is_declared_by_hand_is_of_operations_that_exist(description: Json) -> None:
    known = {(method, path) for method, path, _ in operations(description)}
    assert known >= BESIDES.keys()
    assert {path for _, path in known} >= WITHOUT_DATABASE


def test_the_application_describes_itself_alike_each_time() -> None:
    app = create_app()
    assert app.openapi() == app.openapi() == create_app().openapi()


class DatabaseAway:
    """What a database that is down does to whoever asks it."""

    def _refuse(self) -> None:
        raise OperationalError("SELECT 1", {}, OSError("away"))

    connect = begin = _refuse

    def execution_options(self, **_options: str) -> DatabaseAway:
        return self


def test_whatever_needs_the_database_says_that_it_can_be_away(description: Json) -> None:
    app = create_app()
    database: Any = DatabaseAway()
    app.state.node = SimpleNamespace(
        database=database,
        keys=KeyLookups(database),
        deployment=SimpleNamespace(chain_id=1, addresses={}, address_bytes=lambda name: bytes(20)),
        settings=SimpleNamespace(operator_did="did:web:operator"),
        operator=b"",
        consent_registry=b"",
        sessions=SimpleNamespace(
            get=lambda token: SimpleNamespace(holders=()),
            begin=lambda network: ("token", SimpleNamespace(nonce=bytes(32))),
        ),
    )
    known = {
        "Authorization": "Bearer anything",
        "Reference-Token": "A" * 43,
        "Request-Token": "A" * 43,
    }
    client = TestClient(app, headers=known)
    asked = 0
    for method, path, operation in operations(description):
        if "requestBody" in operation and "security" not in operation:
            continue  # a withdrawal that holds together is sent by other tests
        if path in ("/v1/me/holders", "/v1/me/objections", "/v1/me/erasures"):
            continue  # refused before the database is asked
        if path in ("/v1/records", "/v1/records/erasures"):
            continue
        target = path.replace("{month}", "2026-11").replace("{organisation_id}", ZERO[:42])
        target = target.replace("{account}", "issued")
        names = ("webhook_id", "key_id", "person_id", "session_id")
        for name in (*names, "request_id", "rights_request_id"):
            target = target.replace("{" + name + "}", ZERO[:34])
        for name in ("agreement_id", "settlement_id", "leaf"):
            target = target.replace("{" + name + "}", ZERO)
        body = {"content": b"{}", "headers": {"Content-Type": "application/json"}}
        answer = client.request(
            method,
            target,
            params={"agreement": ZERO} if path == "/v1/vouchers" and method == "get" else {},
            **(body if method == "post" else {}),
        )
        asked += 1
        away = answer.status_code == 503
        assert away == (path not in WITHOUT_DATABASE), (method, path, answer.text)
        assert answer.status_code in declared(description, method, path), (method, path)
    assert asked > 20
    large = {"content": b" " * 100_000, "headers": {"Content-Type": "application/json"}}
    answer = client.post("/v1/usages", **large)
    assert answer.status_code == 503, "a key that cannot be looked up is not a wrong one"


Request = tuple[str, str, str, Any, int]


def requests_of(world: World) -> Iterator[Request]:
    """Requests that are refused: method, route, path, body and the status that they get."""
    unknown = to_hex(hash_of(77))
    uses = {"agreementId": unknown, "consents": [unknown]}
    enrolment = {"did": world.consumer.did, "name": "again"}
    yield "get", "/v1/participants/{organisation_id}", f"/v1/participants/{unknown[:42]}", None, 404
    for noun, name in (
        ("agreements", "agreement_id"),
        ("consents", "leaf"),
        ("proofs", "leaf"),
        ("settlements", "settlement_id"),
        ("withdrawals", "leaf"),
    ):
        yield "get", f"/v1/{noun}/{{{name}}}", f"/v1/{noun}/{unknown}", None, 404
        yield "get", f"/v1/{noun}/{{{name}}}", f"/v1/{noun}/0x12", None, 422
    status, question = "/v1/consents/status", {"consents": [{"leaf": unknown}]}
    yield "post", status, status, question, 404
    yield "post", "/v1/usages", "/v1/usages", uses, 404
    yield "post", "/v1/participants", "/v1/participants", enrolment, 409
    yield "post", "/v1/participants", "/v1/participants", b"{", 400
    yield "get", "/v1/statements/{month}", "/v1/statements/2026-13", None, 422
    yield "get", "/v1/participants", "/v1/participants?limit=0", None, 422
    yield "get", "/v1/accounts", "/v1/accounts?after=nobody", None, 422
    yield "get", "/v1/accounts/{account}", "/v1/accounts/holding:0x12", None, 422


def test_what_is_refused_is_declared_and_fits_the_schema(world: World, description: Json) -> None:
    validator = Draft202012Validator(PROBLEM)
    for method, route, path, body, status in requests_of(world):
        answer = send(world.operator, method, path, body)
        assert answer.status_code == status, (method, path, answer.text)
        assert status in declared(description, method, route), (method, path)
        validator.validate(answer.json())
    enrolment = {"did": world.consumer.did, "name": "again"}
    hosted = send(world.provider.client, "post", "/v1/participants", enrolment)
    assert hosted.status_code == 403
    assert 403 in declared(description, "post", "/v1/participants")
