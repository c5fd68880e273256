"""Consents on paper: attested by the issuer, with a slip that withdraws and a key that is gone."""

from __future__ import annotations

import io
import secrets
import zipfile

import httpx
import pytest

from protocol.slip import decode_slip, verify_slip
from protocol.types import from_hex, to_hex
from tests.demanding import asking_for, conclude_with
from tests.refusals import assert_problem, send
from tests.requests.asking import PURPOSES, ask, asking, nothing_promised, shown
from tests.stage import Json, World, wait_until

ROUTE = "/v1/consent-requests"


def attest(world: World, made: Json) -> Json:
    path = f"{ROUTE}/{made['requestId']}/attest"
    answer: Json = world.provider.client.post(path, {})
    return answer


def state_of(world: World, leaf: str) -> Json:
    question = {"consents": [{"leaf": leaf}]}
    answer: Json = world.provider.client.post("/v1/consents/status", question)["consents"][0]
    return answer


def test_a_slip_from_paper_withdraws_through_the_relay(world: World) -> None:
    made = ask(world, minimumAssurance="attested")
    attested = attest(world, made)
    assert [consent["purpose"] for consent in attested["consents"]] == list(PURPOSES)
    leaf = attested["consents"][0]["leaf"]
    wait_until(lambda: state_of(world, leaf)["state"] == "active", "the consent")
    assert state_of(world, leaf)["assurance"] == "attested"
    record = world.provider.client.get(f"/v1/consents/{leaf}")["record"]
    assert record["document"]["assurance"] == "attested"
    assert "grantSignature" not in record
    slip = attested["consents"][0]["slip"]
    assert to_hex(verify_slip(decode_slip(from_hex(slip)))) == leaf
    answer = httpx.post(f"{world.node.url}/v1/withdrawals", json={"slip": slip})
    assert answer.status_code == 202
    assert state_of(world, leaf)["state"] in ("withdrawal-pending", "withdrawn")
    assert state_of(world, attested["consents"][1]["leaf"])["state"] in ("queued", "active")


def test_what_is_attested_once_is_answered(world: World) -> None:
    made = ask(world, minimumAssurance="attested")
    attest(world, made)
    assert shown(world, made["requestId"])["state"] == "granted"
    with nothing_promised(world):
        path = f"{ROUTE}/{made['requestId']}/attest"
        problem = assert_problem(
            send(world.provider.client, "POST", path), 409, "consent-request-answered", None
        )
    assert "revoke" in problem["remedy"]


def test_a_slip_is_kept_nowhere(world: World) -> None:
    """Not in the database, the logs, or what is kept of answers."""
    made = ask(world, minimumAssurance="attested")
    key = secrets.token_hex(8)
    path = f"{ROUTE}/{made['requestId']}/attest"
    answer = send(world.provider.client, "POST", path, None, {"Idempotency-Key": key})
    slips = [consent["slip"] for consent in answer.json()["consents"]]
    assert world.node.sql("SELECT FROM node.idempotency WHERE key = :key", key=key) == []
    signatures = [to_hex(decode_slip(from_hex(slip)).signature)[2:] for slip in slips]
    everything = database_text(world)
    for signature in signatures:
        assert signature not in everything
        for log in world.node.settings.log_dir.glob("*.log"):
            assert signature not in log.read_text(errors="replace")


def database_text(world: World) -> str:
    """Every row of the node's tables as text, bytes as hexadecimal digits."""
    names = world.node.sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'node' ORDER BY tablename"
    )
    rows = [
        row.whole
        for table in names
        for row in world.node.sql(f"SELECT t::text AS whole FROM node.{table.tablename} t")
    ]
    assert len(rows) > 20
    return "\n".join(rows)


def test_many_are_attested_at_once_and_the_slips_come_as_files(world: World) -> None:
    made = [ask(world, minimumAssurance="attested") for _ in range(3)]
    ids = [each["requestId"] for each in made]
    answer = send(world.provider.client, "POST", f"{ROUTE}/attest?format=zip", {"requestIds": ids})
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = sorted(archive.namelist())
        assert len(names) == 3 * len(PURPOSES) * 2
        for request_id in ids:
            leaves = [purpose["leaf"] for purpose in shown(world, request_id)["purposes"]]
            for place, leaf in enumerate(leaves, 1):
                slip = archive.read(f"{request_id[2:]}/{place}.slip").decode().strip()
                assert to_hex(verify_slip(decode_slip(from_hex(slip)))) == leaf
                assert archive.read(f"{request_id[2:]}/{place}.svg").startswith(b"<svg")


def test_of_many_all_or_none_are_attested(world: World) -> None:
    good, signed = ask(world, minimumAssurance="attested"), ask(world)
    body = {"requestIds": [good["requestId"], signed["requestId"]]}
    with nothing_promised(world):
        answer = send(world.provider.client, "POST", f"{ROUTE}/attest", body)
        assert_problem(answer, 422, "assurance-too-weak", "minimumAssurance")
        unknown = {"requestIds": [good["requestId"], "0x" + "00" * 16]}
        answer = send(world.provider.client, "POST", f"{ROUTE}/attest", unknown)
        assert_problem(answer, 404, "consent-request-not-found", None)


@pytest.mark.parametrize("minimum", ["signed", "identified"])
def test_paper_is_less_than_a_learners_key(world: World, minimum: str) -> None:
    made = ask(world, minimumAssurance=minimum)
    answer = send(world.provider.client, "POST", f"{ROUTE}/{made['requestId']}/attest")
    assert_problem(answer, 422, "assurance-too-weak", "minimumAssurance")


def test_an_agreements_policy_may_ask_for_more(world: World) -> None:
    document, changes = asking_for(world, "signed")
    agreement = to_hex(conclude_with(world, world.provider, document, world.make_terms(**changes)))
    weak = asking(world, agreementId=agreement, minimumAssurance="attested")
    answer = send(world.provider.client, "POST", ROUTE, weak)
    assert_problem(answer, 422, "consent-request-refused", "minimumAssurance")
    assert ask(world, agreementId=agreement)["state"] == "sent"
