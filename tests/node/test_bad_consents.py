"""Consents that cannot be granted and uses that none allows: all or nothing, with a reason."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest

from protocol.entries import encode_entry, leaf_of
from protocol.record import Record, to_json
from protocol.types import ContractAddress, to_hex
from tests.refusals import assert_problem, nothing_written, refused, send
from tests.stage import Json, World, hash_of

OTHER_REGISTRY = ContractAddress(b"\x22" * 20)


def grant_refused(
    world: World, records: list[Any], status: int, slug: str, field: str, client: Any = None
) -> Json:
    body = {"records": records}
    asked = client or world.provider.client
    return refused(world, asked, "/v1/consents", body, status, slug, field)


@pytest.mark.parametrize("size", [0, 10_001, 20_001])
def test_a_batch_has_1_to_10000_consents(at_rest: World, size: int) -> None:
    problem = grant_refused(at_rest, [{}] * size, 422, "batch-size-invalid", "records")
    assert problem["values"] == {"size": size, "maximum": 10_000}


WRONG_PARTS: dict[str, tuple[Json, str, str]] = {
    "an agreement that nobody concluded": (
        {"agreement_id": hash_of(9)},
        "agreement-not-found",
        "records.0.entry.agreementId",
    ),
    "another issuer than the caller": (
        {"issuer": b"\x11" * 20},
        "record-refused",
        "records.0.entry.issuer",
    ),
    "a recipient that is no party": (
        {"recipients": ["did:web:nobody.example"]},
        "not-party",
        "records.0.document.recipients.0",
    ),
    "validity in the past": (
        {"valid_from": 1_000, "valid_until": 2_000},
        "record-refused",
        "records.0.entry.validUntil",
    ),
    "another chain": ({"chain_id": 1}, "record-refused", "records.0.registry"),
    "another registry": ({"registry": OTHER_REGISTRY}, "record-refused", "records.0.registry"),
}


@pytest.mark.parametrize(("parts", "slug", "field"), WRONG_PARTS.values(), ids=WRONG_PARTS)
def test_a_record_that_does_not_belong_here_is_refused(
    at_rest: World, secret: bytes, parts: Json, slug: str, field: str
) -> None:
    record = at_rest.make_record(secret, **parts)
    status = 404 if slug.endswith("not-found") else 422
    grant_refused(at_rest, [to_json(record)], status, slug, field)


def damaged(record: Record, name: str, value: Any) -> Json:
    return {**to_json(record), name: value}


def test_a_record_that_does_not_hold_together_is_refused(at_rest: World, secret: bytes) -> None:
    record, other = at_rest.make_record(secret), at_rest.make_record(secret)
    for name, field in (("grantSignature", "grantSignature"), ("blinding", "entry")):
        changed = damaged(record, name, to_json(other)[name])
        grant_refused(at_rest, [changed], 422, "record-invalid", f"records.0.{field}")
    document = {**to_json(record)["document"], "recipients": [at_rest.provider.did]}
    changed = damaged(record, "document", document)
    grant_refused(at_rest, [changed], 422, "record-invalid", "records.0.entry")
    unsigned = to_json(record)
    del unsigned["grantSignature"]
    grant_refused(at_rest, [unsigned], 422, "record-invalid", "records.0.document.assurance")
    binding = {"did": "did:key:z6Mk", "signature": "0x" + "01" * 64, "credential": "a.b.c"}
    bound = damaged(record, "holderBinding", binding)
    grant_refused(at_rest, [bound], 422, "record-invalid", "records.0.holderBinding")


WRONG_VALUES: dict[str, tuple[str, Any, str]] = {
    "a field too many": ("surplus", 1, "schema-invalid"),
    "another version": ("version", 2, "schema-invalid"),
    "no hexadecimal": ("entry", "entry", "schema-invalid"),
    "an entry cut": ("entry", "0x01", "schema-invalid"),
    "a number as blinding": ("blinding", 5, "schema-invalid"),
    "blinding zero": ("blinding", "0x" + "00" * 32, "commitment-invalid"),
    "blinding beyond the order": ("blinding", "0x" + "ff" * 32, "commitment-invalid"),
    "an entry of another kind": ("entry", "0x09" + "01" * 122, "entry-invalid"),
}


@pytest.mark.parametrize(("name", "value", "slug"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_record_out_of_shape_is_refused(
    at_rest: World, secret: bytes, name: str, value: Any, slug: str
) -> None:
    record = damaged(at_rest.make_record(secret), name, value)
    problem = grant_refused(at_rest, [record], 422, slug, f"records.0.{name}")
    assert "[0-9a-fA-F]" not in str(problem)


def test_a_fault_deep_inside_a_record_is_named(at_rest: World, secret: bytes) -> None:
    record = to_json(at_rest.make_record(secret))
    event = {"eventTime": "now", "eventType": "given"}
    receipt = {**record["document"]["receipt"], "event": [event]}
    changed = {**record, "document": {**record["document"], "receipt": receipt}}
    field = "records.1.document.receipt.event.0.eventState"
    problem = grant_refused(at_rest, [record, changed], 422, "schema-invalid", field)
    assert "it is missing" in problem["detail"]


def test_one_bad_record_spoils_the_batch_and_is_named(at_rest: World) -> None:
    good = [to_json(at_rest.make_record(secrets.token_bytes(32))) for _ in range(3)]
    bad = {**good[1], "blinding": good[2]["blinding"]}
    grant_refused(at_rest, [good[0], bad, good[2]], 422, "record-invalid", "records.1.entry")


def test_a_consent_is_granted_once(world: World, secret: bytes) -> None:
    record = world.make_record(secret)
    twice = [to_json(record), to_json(record)]
    grant_refused(world, twice, 409, "consent-already-granted", "records.1")
    world.grant(record)
    world.wait_for_state(record, "active")
    grant_refused(world, [to_json(record)], 409, "consent-already-granted", "records.0")


def test_an_issuer_who_is_no_party_of_the_agreement_is_refused(
    at_rest: World, secret: bytes
) -> None:
    record = at_rest.make_record(secret, issuer=at_rest.story.stage.operator_id)
    client = at_rest.operator
    grant_refused(at_rest, [to_json(record)], 422, "not-party", "records.0.entry.issuer", client)


def test_an_agreement_that_is_not_in_force_allows_no_consent(world: World, secret: bytes) -> None:
    proposed = world.propose(world.make_terms())
    record = world.make_record(secret, agreement_id=proposed)
    field = "records.0.entry.agreementId"
    problem = grant_refused(world, [to_json(record)], 422, "record-refused", field)
    assert "proposed" in problem["detail"]


def test_an_issuer_without_delegation_is_refused(at_rest: World, secret: bytes) -> None:
    record = at_rest.make_record(secret, issuer=at_rest.consumer.id)
    body, client = {"records": [to_json(record)]}, at_rest.consumer.client
    refused(at_rest, client, "/v1/consents", body, 409, "operator-not-delegated", None)


# -- questions -------------------------------------------------------------------------------------


def test_a_leaf_that_nobody_here_holds_is_not_found(world: World) -> None:
    question = {"consents": [{"leaf": to_hex(hash_of(3))}]}
    answer = send(world.consumer.client, "POST", "/v1/consents/status", question)
    assert_problem(answer, 404, "consent-not-found", "consents.0.leaf")
    for path in ("consents", "proofs"):
        shown = send(world.consumer.client, "GET", f"/v1/{path}/{to_hex(hash_of(3))}")
        assert_problem(shown, 404, "consent-not-found", None)


def test_a_question_names_a_leaf_or_an_entry(world: World, secret: bytes) -> None:
    entry = to_hex(encode_entry(world.make_record(secret).entry))
    client, path = world.consumer.client, "/v1/consents/status"
    for question in ({}, {"leaf": to_hex(hash_of(3)), "entry": entry}):
        answer = send(client, "POST", path, {"consents": [question]})
        assert_problem(answer, 422, "request-invalid", "consents.0")
    unreadable = {"consents": [{"entry": entry}, {"entry": "0x" + "77" * 123}]}
    answer = send(client, "POST", path, unreadable)
    assert_problem(answer, 422, "entry-invalid", "consents.1.entry")
    for count in (0, 1_001):
        answer = send(client, "POST", path, {"consents": [{"entry": entry}] * count})
        assert_problem(answer, 422, "request-invalid", "consents")


def test_an_entry_that_was_never_anchored_is_not_active(world: World, secret: bytes) -> None:
    answer = world.status(world.make_record(secret))
    assert (answer["state"], answer["active"]) == ("not-anchored", False)


def test_what_waits_to_be_anchored_has_no_proof_and_allows_no_use(
    at_rest: World, secret: bytes
) -> None:
    record = at_rest.make_record(secret)
    leaf = to_hex(leaf_of(record.entry))
    client = at_rest.consumer.client
    with at_rest.node.held("sender"):
        at_rest.grant(record)
        assert at_rest.status(record)["state"] == "queued"
        answer = send(client, "GET", f"/v1/proofs/{leaf}")
        assert_problem(answer, 409, "consent-not-anchored", None)
        assert answer.headers["retry-after"]
        body = {"agreementId": to_hex(at_rest.agreement), "consents": [leaf]}
        problem = refused(
            at_rest, client, "/v1/usages", body, 409, "consent-not-active", "consents.0"
        )
        assert problem["remedy"].startswith("Wait")
    at_rest.wait_for_state(record, "active")


# -- uses ------------------------------------------------------------------------------------------


def test_a_use_needs_an_agreement_a_record_and_an_active_consent(
    at_rest: World, secret: bytes
) -> None:
    world, client = at_rest, at_rest.consumer.client
    leaf = to_hex(leaf_of(world.make_record(secret).entry))
    good = {"agreementId": to_hex(world.agreement), "consents": [leaf]}
    path = "/v1/usages"
    unknown = {**good, "agreementId": to_hex(hash_of(5))}
    refused(world, client, path, unknown, 404, "agreement-not-found", "agreementId")
    refused(world, client, path, good, 404, "consent-not-found", "consents.0")
    for consents in ([], [leaf] * 10_001):
        body = {**good, "consents": consents}
        refused(world, client, path, body, 422, "request-invalid", "consents")
    refused(world, world.operator, path, good, 422, "not-party", "agreementId")
    payee = world.provider.client
    refused(world, payee, path, good, 422, "consumer-is-payee", "agreementId")


def test_a_use_under_another_agreement_is_refused(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    other = world.conclude()
    body = {"agreementId": to_hex(other), "consents": [to_hex(leaf_of(record.entry))]}
    client, slug = world.consumer.client, "consent-not-active"
    problem = refused(world, client, "/v1/usages", body, 409, slug, "consents.0")
    assert "of another agreement" in problem["detail"]


def test_one_consent_that_is_not_active_spoils_all_uses(world: World) -> None:
    active_key, ended_key = secrets.token_bytes(32), secrets.token_bytes(32)
    active, ended = world.grant_active(active_key), world.grant_active(ended_key)
    world.withdraw(ended, ended_key)
    world.wait_for_state(ended, "withdrawn")
    leaves = [to_hex(leaf_of(record.entry)) for record in (active, ended)]
    body = {"agreementId": to_hex(world.agreement), "consents": leaves}
    client, slug = world.consumer.client, "consent-not-active"
    refused(world, client, "/v1/usages", body, 409, slug, "consents.1")


def test_a_consent_that_is_not_valid_yet_allows_no_use(world: World, secret: bytes) -> None:
    later = int(time.time()) + 3_600
    record = world.make_record(secret, valid_from=later, valid_until=later + 60)
    world.grant(record)
    world.wait_for_state(record, "not-yet-valid")
    leaf = to_hex(leaf_of(record.entry))
    body = {"agreementId": to_hex(world.agreement), "consents": [leaf]}
    with nothing_written(world):
        answer = send(world.consumer.client, "POST", "/v1/usages", body)
        assert_problem(answer, 409, "consent-not-active", "consents.0")
