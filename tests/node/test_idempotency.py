"""`Idempotency-Key`: one effect, however often and however at once the same request comes."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from node.config import Settings
from node.sending import sender
from protocol.entries import leaf_of
from protocol.record import to_json
from protocol.types import to_hex
from tests.own_chain import OwnDatabase
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import World, wait_until

PATH = "/v1/consents"


def body_of(world: World, secret: bytes) -> dict[str, Any]:
    return {"records": [to_json(world.make_record(secret))]}


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def test_the_same_request_again_gets_the_same_answer(
    at_rest: World, secret: bytes, key: dict[str, str]
) -> None:
    body, client = body_of(at_rest, secret), at_rest.provider.client
    first = send(client, "POST", PATH, body, key)
    assert first.status_code == 202
    assert "idempotent-replayed" not in first.headers
    _wait_until_idle(at_rest)
    with nothing_written(at_rest):
        again = send(client, "POST", PATH, body, key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotent-replayed"] == "true"


def _wait_until_idle(world: World) -> None:
    world.operator.wait_for(world.node.open_acts, lambda open_: open_ == 0, "the sender")


def test_the_key_for_another_request_is_refused(
    at_rest: World, secret: bytes, key: dict[str, str]
) -> None:
    body, client = body_of(at_rest, secret), at_rest.provider.client
    send(client, "POST", PATH, body, key)
    _wait_until_idle(at_rest)
    other = body_of(at_rest, secrets.token_bytes(32))
    with nothing_written(at_rest):
        answer = send(client, "POST", PATH, other, key)
        assert_problem(answer, 422, "idempotency-key-reused", None)
        uses = {"agreementId": to_hex(at_rest.agreement), "consents": [to_hex(bytes(32))]}
        answer = send(client, "POST", "/v1/usages", uses, key)
        assert_problem(answer, 422, "idempotency-key-reused", None)


@pytest.mark.parametrize("clients", [2, 8])
def test_requests_at_the_same_time_are_carried_out_once(
    at_rest: World, secret: bytes, key: dict[str, str], clients: int
) -> None:
    body, client = body_of(at_rest, secret), at_rest.provider.client
    with ThreadPoolExecutor(clients) as pool:
        sent = [pool.submit(send, client, "POST", PATH, body, key) for _ in range(clients)]
        answers = [future.result() for future in sent]
    assert {answer.status_code for answer in answers} == {202}
    replayed = [answer for answer in answers if "idempotent-replayed" in answer.headers]
    assert len(replayed) == clients - 1
    leaf = answers[0].json()["consents"][0]["leaf"]
    assert {answer.json()["consents"][0]["leaf"] for answer in answers} == {leaf}
    [row] = at_rest.node.sql(
        "SELECT count(*) AS acts FROM node.outbox WHERE subject = :leaf",
        leaf=bytes.fromhex(leaf[2:]),
    )
    assert row.acts == 1


def test_a_key_is_of_one_caller(world: World, secret: bytes, key: dict[str, str]) -> None:
    record = world.grant_active(secret)
    uses = {
        "agreementId": to_hex(world.agreement),
        "consents": [to_hex(leaf_of(record.entry))],
    }
    assert send(world.consumer.client, "POST", "/v1/usages", uses, key).status_code == 201
    other = send(world.provider.client, "POST", PATH, body_of(world, secrets.token_bytes(32)), key)
    assert other.status_code == 202
    assert "idempotent-replayed" not in other.headers


def test_a_refused_request_may_be_corrected_under_its_key(
    at_rest: World, secret: bytes, key: dict[str, str]
) -> None:
    body, client = body_of(at_rest, secret), at_rest.provider.client
    with nothing_written(at_rest):
        assert send(client, "POST", PATH, {"records": []}, key).status_code == 422
    assert send(client, "POST", PATH, body, key).status_code == 202


@pytest.mark.parametrize("length", [0, 256])
def test_a_key_has_1_to_255_characters(at_rest: World, secret: bytes, length: int) -> None:
    body, client = body_of(at_rest, secret), at_rest.provider.client
    with nothing_written(at_rest):
        answer = send(client, "POST", PATH, body, {"Idempotency-Key": "k" * length})
        assert_problem(answer, 422, "request-invalid", "Idempotency-Key")


def test_uses_are_counted_once(world: World, secret: bytes, key: dict[str, str]) -> None:
    agreement = world.conclude()
    record = world.grant_active(secret, agreement_id=agreement)
    leaf = to_hex(leaf_of(record.entry))
    body = {"agreementId": to_hex(agreement), "consents": [leaf] * 2}
    client = world.consumer.client
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(send, client, "POST", "/v1/usages", body, key) for _ in range(4)]
        units = {future.result().json()["voucher"]["units"] for future in sent}
    assert units == {2}


def test_uses_recorded_at_the_same_time_leave_no_gap(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    record = world.grant_active(secret, agreement_id=agreement)
    body = {"agreementId": to_hex(agreement), "consents": [to_hex(leaf_of(record.entry))]}
    client = world.consumer.client
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(send, client, "POST", "/v1/usages", body) for _ in range(6)]
        units = sorted(future.result().json()["voucher"]["units"] for future in sent)
    assert units == [1, 2, 3, 4, 5, 6]


# -- how long an answer is kept --------------------------------------------------------------------


def keep_answer(database: OwnDatabase, key: str, age: str) -> None:
    database.sql(
        "INSERT INTO node.idempotency"
        " (organisation_id, principal, key, request_hash, status, body, created_at)"
        " VALUES ('o', 'p', :key, 'r', 202, '{}', now() - CAST(:age AS interval))",
        key=key,
        age=age,
    )


def kept(database: OwnDatabase) -> list[str]:
    return [row.key for row in database.sql("SELECT key FROM node.idempotency ORDER BY key")]


def test_answers_older_than_the_limit_are_forgotten_and_no_other(own_database: OwnDatabase) -> None:
    keep_answer(own_database, "fresh", "0 days")
    keep_answer(own_database, "nearly old, one", "7 days -1 minute")
    keep_answer(own_database, "nearly old, two", "7 days -1 minute")
    keep_answer(own_database, "old", "7 days 1 minute")
    assert Settings.model_fields["idempotency_days"].default == 7
    own_database.sender(idempotency_days=7).forget_old_answers()
    assert kept(own_database) == ["fresh", "nearly old, one", "nearly old, two"]


def test_no_setting_forgets_an_answer_within_a_day(own_database: OwnDatabase) -> None:
    keep_answer(own_database, "of today", "23 hours")
    own_database.sender(idempotency_days=0).forget_old_answers()
    assert kept(own_database) == ["of today"]


def test_answers_are_forgotten_in_batches_then_not_for_an_hour(
    own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FORGET_COUNT_MAX", 2)
    for number in range(3):
        keep_answer(own_database, f"old {number}", f"{9 - number} days")
    forgetting = own_database.sender()
    forgetting.forget_old_answers()
    assert kept(own_database) == ["old 2"]
    forgetting.forget_old_answers()
    assert kept(own_database) == []
    keep_answer(own_database, "old again", "9 days")
    forgetting.forget_old_answers()
    assert kept(own_database) == ["old again"]


def test_a_running_sender_forgets(own_database: OwnDatabase) -> None:
    keep_answer(own_database, "old", "8 days")
    stop = threading.Event()
    thread = threading.Thread(target=own_database.sender().run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: kept(own_database) == [], "the sender's forgetting")
    finally:
        stop.set()
        thread.join(10)


def test_the_interface_says_how_long_a_key_is_remembered(world: World) -> None:
    paths = httpx.get(f"{world.node.url}/openapi.json").json()["paths"]
    [header] = [
        parameter
        for parameter in paths[PATH]["post"]["parameters"]
        if parameter["name"] == "Idempotency-Key"
    ]
    assert "7 days" in header["description"]
