"""The life of a consent request: asked, answered once by its link, or over by time."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.requests.asking import (
    NOTICE,
    PURPOSES,
    answered,
    ask,
    asking,
    compose,
    decline,
    expire,
    look_at,
    nothing_promised,
    opened,
    shown,
    token_of,
)
from tests.stage import Json, World, hash_of, wait_until

ROUTE = "/v1/consent-requests"


def test_a_learner_sees_who_asks_for_what_and_how_long(world: World) -> None:
    made = ask(world)
    seen = opened(world, token_of(made))
    assert made["state"] == seen["state"] == "sent"
    assert seen["asking"] == {
        "organisationId": to_hex(world.provider.id),
        "did": world.provider.did,
        "name": world.provider.entry.name,
        "admitted": True,
    }
    assert [purpose["purpose"] for purpose in seen["purposes"]] == list(PURPOSES)
    assert seen["notice"] == NOTICE
    assert seen["recipients"] == [world.consumer.did]
    assert seen["recipientNames"] == [world.consumer.entry.name]
    assert seen["minimumAssurance"] == "signed"
    assert seen["registry"] == to_hex(world.address("ConsentRegistry"))
    for purpose in seen["purposes"]:
        assert purpose["document"]["notice"] == NOTICE
        assert {*purpose["digests"]} == {"signed", "identified"}


def test_a_learner_grants_one_purpose_and_refuses_the_other(world: World, secret: bytes) -> None:
    made = ask(world)
    token = token_of(made)
    record = compose(opened(world, token), 1, secret)
    answer = answered(world, token, [record])
    assert answer.status_code == 202, answer.text
    [consent] = answer.json()["consents"]
    assert answer.json()["refused"] == [PURPOSES[0]]
    request = shown(world, made["requestId"])
    assert request["state"] == "granted"
    assert request["link"] is None
    assert [purpose["leaf"] for purpose in request["purposes"]] == [None, consent["leaf"]]
    question = {"consents": [{"leaf": consent["leaf"]}]}

    def active() -> bool:
        [found] = world.consumer.client.post("/v1/consents/status", question)["consents"]
        return bool(found["state"] == "active" and found["assurance"] == "signed")

    wait_until(active, "the consent on chain, at the recipient")
    seen = opened(world, token)
    assert (seen["state"], seen["purposes"]) == ("granted", [])


def test_the_same_records_get_the_same_answer_and_others_a_conflict(world: World) -> None:
    token = token_of(ask(world))
    seen = opened(world, token)
    records = [compose(seen, place, secrets.token_bytes(32)) for place in (1, 0)]
    first = answered(world, token, records)
    assert first.status_code == 202
    assert [*first.json()["refused"]] == []
    with nothing_promised(world):
        assert answered(world, token, records).json() == first.json()
        others = [compose(seen, 0, secrets.token_bytes(32))]
        problem = answered(world, token, others)
        assert_problem(problem, 409, "consent-request-answered", None)
        refusal = decline(world, token)
        assert_problem(refusal, 409, "consent-request-answered", None)


def test_a_refusal_uses_the_link_up_and_may_be_repeated(world: World, secret: bytes) -> None:
    made = ask(world)
    token = token_of(made)
    record = compose(opened(world, token), 0, secret)
    for _ in range(2):
        answer = decline(world, token)
        assert answer.json() == {"state": "refused"}
    problem = answered(world, token, [record])
    assert_problem(problem, 409, "consent-request-answered", None)
    assert shown(world, made["requestId"])["state"] == "refused"
    qr = send(world.provider.client, "GET", f"{ROUTE}/{made['requestId']}/qr.svg")
    assert_problem(qr, 409, "consent-request-answered", None)


def test_a_request_expires_by_time_alone(world: World, secret: bytes) -> None:
    made = ask(world)
    token = token_of(made)
    record = compose(opened(world, token), 0, secret)
    expire(world, made["requestId"])
    with nothing_promised(world):
        problem = answered(world, token, [record])
        assert_problem(problem, 410, "consent-request-expired", None)
        refusal = decline(world, token)
        assert_problem(refusal, 410, "consent-request-expired", None)
        attest = send(world.provider.client, "POST", f"{ROUTE}/{made['requestId']}/attest")
        assert_problem(attest, 410, "consent-request-expired", None)
    seen = opened(world, token)
    assert (seen["state"], seen["purposes"]) == ("expired", [])
    request = shown(world, made["requestId"])
    assert (request["state"], request["link"]) == ("expired", None)
    listed = world.provider.client.get(ROUTE, state="expired", limit=100)["items"]
    assert made["requestId"] in [item["requestId"] for item in listed]
    listed = world.provider.client.get(ROUTE, state="sent", limit=100)["items"]
    assert made["requestId"] not in [item["requestId"] for item in listed]


def test_of_two_devices_at_the_same_time_exactly_one_wins(world: World) -> None:
    """The row is held until both wait for it, so each has begun before either has ended."""
    made = ask(world)
    token = token_of(made)
    seen = opened(world, token)
    records = [compose(seen, 0, secrets.token_bytes(32)) for _ in range(2)]
    request_id = bytes.fromhex(made["requestId"][2:])
    waiting = (
        "SELECT count(*) AS waiting FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE '%consent_requests%'"
    )
    with ThreadPoolExecutor(2) as pool:
        with world.node.engine.begin() as holding:
            lock = "SELECT FROM node.consent_requests WHERE request_id = :id FOR UPDATE"
            holding.execute(text(lock), {"id": request_id})
            sent = [pool.submit(answered, world, token, [record]) for record in records]
            wait_until(lambda: world.node.sql(waiting)[0].waiting == 2, "both answers")
        answers = [future.result() for future in sent]
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    [winner] = [answer.json() for answer in answers if answer.status_code == 202]
    leaves = [consent["leaf"] for consent in winner["consents"]]
    request = shown(world, made["requestId"])
    assert [purpose["leaf"] for purpose in request["purposes"] if purpose["leaf"]] == leaves


def wrong_records(seen: Json) -> dict[str, tuple[list[Json], str, str | None]]:
    """What no answer may be: the records, the kind of problem, and the field."""
    keys = [secrets.token_bytes(32) for _ in range(3)]
    document = seen["purposes"][0]["document"]
    other = json.loads(json.dumps(document))
    other["recipients"] = []
    newer = {**document, "notice": {**document["notice"], "version": "2026-10"}}
    unsigned = {**document, "assurance": "attested"}
    good = compose(seen, 0, keys[0])
    return {
        "document": ([compose(seen, 0, keys[0], other)], "answer-invalid", "records.0.document"),
        "notice": ([compose(seen, 0, keys[0], newer)], "answer-invalid", "records.0.document"),
        "unsigned": ([compose(seen, 0, keys[0], unsigned)], "assurance-too-weak", "records"),
        "valid from": (
            [compose(seen, 0, keys[0], valid_from=seen["validFrom"] - 1)],
            "answer-invalid",
            "records.0.entry.validFrom",
        ),
        "valid until": (
            [compose(seen, 0, keys[0], valid_until=seen["validUntil"] + 1)],
            "answer-invalid",
            "records.0.entry.validUntil",
        ),
        "issuer": (
            [compose(seen, 0, keys[0], issuer=b"\x07" * 20)],
            "record-refused",
            "records.0.entry.issuer",
        ),
        "agreement": (
            [compose(seen, 0, keys[0], agreement_id=hash_of(7))],
            "agreement-not-found",
            "records.0.entry.agreementId",
        ),
        "twice": ([good, compose(seen, 0, keys[1])], "answer-invalid", "records"),
        "one key": ([good, compose(seen, 1, keys[0])], "answer-invalid", "records"),
        "too many": (
            [compose(seen, place, key) for place, key in zip((0, 1, 0), keys, strict=True)],
            "answer-invalid",
            "records",
        ),
        "none": ([], "batch-size-invalid", "records"),
        "no record": ([{}], "schema-invalid", "records.0.version"),
    }


def test_a_record_that_was_not_asked_for_is_refused_and_the_link_stays_open(world: World) -> None:
    token = token_of(ask(world))
    seen = opened(world, token)
    for name, (records, slug, field) in wrong_records(seen).items():
        with nothing_promised(world):
            answer = answered(world, token, records)
            status = 404 if slug == "agreement-not-found" else 422
            assert answer.status_code == status, (name, answer.text)
            assert_problem(answer, status, slug, field)
    assert answered(world, token, [compose(seen, 0, secrets.token_bytes(32))]).status_code == 202


def test_another_active_agreement_of_the_same_parties_is_not_the_one_asked_for(
    world: World, secret: bytes
) -> None:
    other = world.conclude()
    token = token_of(ask(world))
    record = compose(opened(world, token), 0, secret, agreement_id=other)
    answer = answered(world, token, [record])
    assert_problem(answer, 422, "answer-invalid", "records.0.entry.agreementId")


def test_identified_is_more_than_a_learners_key(world: World, secret: bytes) -> None:
    token = token_of(ask(world, minimumAssurance="identified"))
    seen = opened(world, token)
    assert {*seen["purposes"][0]["digests"]} == {"identified"}
    signed = {**seen["purposes"][0]["document"], "assurance": "signed"}
    answer = answered(world, token, [compose(seen, 0, secret, signed)])
    assert_problem(answer, 422, "assurance-too-weak", "records")


def test_a_new_version_of_the_notice_extends_no_consent(world: World, secret: bytes) -> None:
    """Each version is bound by its digest: old consents stay what they are, a link asks for its own
    version alone."""
    reference = f"pupil-{secrets.token_hex(6)}"
    old = ask(world, subjectReference=reference)
    record = compose(opened(world, token_of(old)), 0, secret)
    [consent] = answered(world, token_of(old), [record]).json()["consents"]
    second = {**NOTICE, "version": "2026-10", "sha256": "0x" + "d4" * 32}
    new = ask(world, subjectReference=reference, notice=second)
    seen = opened(world, token_of(new))
    carried = compose(seen, 0, secrets.token_bytes(32), record["document"])
    answer = answered(world, token_of(new), [carried])
    assert_problem(answer, 422, "answer-invalid", "records.0.document")
    export = world.provider.client.post(f"{ROUTE}/export", {"subjectReference": reference})
    [kept] = export["consents"]
    assert kept["leaf"] == consent["leaf"]
    assert kept["noticeVersion"] == "2026-09"
    assert kept["record"]["document"]["notice"] == NOTICE
    assert {item["notice"]["version"] for item in export["requests"]} == {"2026-09", "2026-10"}


def test_the_notice_itself_can_be_bound(world: World) -> None:
    content = {"text": "What we do with your data"}
    bare = {"reference": "notice", "version": "1", "content": content}
    seen = opened(world, token_of(ask(world, notice=bare)))
    assert seen["notice"]["content"] == content
    assert len(seen["notice"]["sha256"]) == 66
    body = asking(world, notice={**bare, "sha256": "0x" + "00" * 32})
    answer = send(world.provider.client, "POST", ROUTE, body)
    assert_problem(answer, 422, "consent-request-refused", "notice.sha256")


def test_whole_receipts_may_be_asked_for(world: World, secret: bytes) -> None:
    receipt = dict(world.story.documents.receipt.purposes[0].receipt)
    body = asking(world, receipts=[receipt])
    del body["purposes"]
    made = world.provider.client.post(ROUTE, body)
    seen = opened(world, token_of(made))
    assert seen["purposes"][0]["document"]["receipt"] == receipt
    assert answered(world, token_of(made), [compose(seen, 0, secret)]).status_code == 202
    broken = {**body, "receipts": [{**receipt, "unknown": 1}]}
    answer = send(world.provider.client, "POST", ROUTE, broken)
    assert_problem(answer, 422, "schema-invalid", "receipts.0.unknown")


@pytest.mark.parametrize(
    ("changes", "status", "slug", "field"),
    [
        ({"agreementId": "0x" + "00" * 32}, 404, "agreement-not-found", "agreementId"),
        ({"recipients": ["did:web:nobody.example"]}, 422, "not-party", "recipients.0"),
        ({"recipients": ["nobody"]}, 422, "request-invalid", "recipients.0"),
        ({"validUntil": 1}, 422, "consent-request-refused", "validUntil"),
        ({"expiresAt": 1}, 422, "consent-request-refused", "expiresAt"),
        ({"expiresAt": 2**40}, 422, "consent-request-refused", "expiresAt"),
        ({"purposes": []}, 422, "request-invalid", "body"),
        ({"purposes": [{}]}, 422, "schema-invalid", "purposes.0.purpose"),
        ({"purposes": [{"purpose": "a", "b": 1}]}, 422, "schema-invalid", "purposes.0.b"),
        ({"purposes": [{"purpose": "a"}] * 2}, 422, "consent-request-refused", "purposes"),
        ({"purposes": [{"purpose": "a"}] * 21}, 422, "request-invalid", "purposes"),
        ({"notice": {"reference": "a", "version": "1"}}, 422, "request-invalid", "notice"),
        ({"minimumAssurance": "sure"}, 422, "request-invalid", "minimumAssurance"),
        ({"subjectReference": ""}, 422, "request-invalid", "subjectReference"),
        ({"unknown": 1}, 422, "request-invalid", "unknown"),
    ],
)
def test_what_cannot_be_granted_is_not_asked_for(
    world: World, changes: Json, status: int, slug: str, field: str
) -> None:
    with nothing_promised(world):
        answer = send(world.provider.client, "POST", ROUTE, asking(world, **changes))
        assert_problem(answer, status, slug, field)


def test_a_repeated_request_gets_its_link_again_and_no_store_has_it(world: World) -> None:
    body, key = asking(world), secrets.token_hex(8)
    first: Any = world.provider.client.post(ROUTE, body, key)
    token = token_of(first)
    kept = world.node.sql("SELECT body::text AS body FROM node.idempotency WHERE key = :k", k=key)
    assert token not in kept[0].body
    assert world.provider.client.post(ROUTE, body, key) == first
    decline(world, token).raise_for_status()
    assert world.provider.client.post(ROUTE, body, key) == {**first, "link": None}


def test_an_unknown_link_leads_nowhere(world: World) -> None:
    for token, status, slug in (
        ("A" * 43, 404, "consent-request-not-found"),
        ("A" * 42, 422, "request-invalid"),
    ):
        answer = look_at(world, token)
        assert_problem(answer, status, slug, None)
