"""What a database, a log or another organisation may not tell of a person who is asked."""

from __future__ import annotations

import csv
import io
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from node.commands import find_requests
from node.db import API_ROLE, act_as, async_engine
from node.secret_files import load_master_key
from node.subject_references import subject_hash
from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.requests.asking import (
    PURPOSES,
    answered,
    ask,
    asking,
    compose,
    decline,
    look_at,
    opened,
    shown,
    token_of,
)
from tests.requests.test_paper import database_text
from tests.stage import World

ROUTE = "/v1/consent-requests"


def test_no_reference_link_or_purpose_is_in_clear_anywhere(world: World) -> None:
    reference, purpose = f"canary-{secrets.token_hex(8)}", f"purpose-{secrets.token_hex(8)}"
    made = ask(world, subjectReference=reference, purposes=[{"purpose": purpose}])
    token = token_of(made)
    record = compose(opened(world, token), 0, secrets.token_bytes(32))
    world.provider.client.post(f"{ROUTE}/search", {"subjectReference": reference})
    world.provider.client.post(f"{ROUTE}/export", {"subjectReference": reference})
    everything = [database_text(world)]
    assert answered(world, token, [record]).status_code == 202
    everything.append(database_text(world))
    logs = [log.read_text(errors="replace") for log in world.node.settings.log_dir.glob("*.log")]
    metrics = world.node.metrics()
    assert made["requestId"][2:] in everything[0]
    for hidden in (reference, purpose, token):
        for form in (hidden, hidden.encode().hex()):
            for sink in (*everything, *logs, metrics):
                assert form not in sink


def test_no_row_leads_from_one_consent_of_a_person_to_another(world: World) -> None:
    made = ask(world)
    token = token_of(made)
    seen = opened(world, token)
    records = [compose(seen, place, secrets.token_bytes(32)) for place in (0, 1)]
    answer = answered(world, token, records).json()
    leaves = [consent["leaf"][2:] for consent in answer["consents"]]
    rows = database_text(world).splitlines()
    for leaf in leaves:
        assert any(leaf in row for row in rows)
    of_request = [row for row in rows if made["requestId"][2:] in row]
    assert of_request
    for row in of_request:
        assert not any(leaf in row for leaf in leaves)
    assert not any(all(leaf in row for leaf in leaves) for row in rows)


def test_a_reference_is_found_by_a_hash_that_needs_the_master_key() -> None:
    one, two = b"\x01" * 20, b"\x02" * 20
    hashes = {
        subject_hash(reference, organisation, key)
        for reference in ("a", "b")
        for organisation in (one, two)
        for key in (b"\x03" * 32, b"\x04" * 32)
    }
    assert len(hashes) == 8
    assert {len(each) for each in hashes} == {32}


def test_another_organisation_sees_nothing_and_touches_nothing(world: World) -> None:
    body = asking(world)
    made = world.provider.client.post(ROUTE, body)
    subject = {"subjectReference": body["subjectReference"]}
    stranger = world.consumer.client
    for method, path in (
        ("GET", f"{ROUTE}/{made['requestId']}"),
        ("GET", f"{ROUTE}/{made['requestId']}/qr.svg"),
        ("POST", f"{ROUTE}/{made['requestId']}/attest"),
    ):
        assert_problem(send(stranger, method, path), 404, "consent-request-not-found", None)
    assert stranger.post(f"{ROUTE}/search", subject)["items"] == []
    assert stranger.post(f"{ROUTE}/export", subject)["requests"] == []
    assert stranger.post(f"{ROUTE}/erasure", subject) == {"erased": 0}
    with world.node.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL ROLE {API_ROLE}"))
        assert connection.execute(text("SELECT FROM node.consent_requests")).first() is None
    assert shown(world, made["requestId"])["state"] == "sent"


def test_requests_are_found_by_person_state_and_agreement_in_pages(world: World) -> None:
    reference = f"pupil-{secrets.token_hex(6)}"
    ids = [ask(world, subjectReference=reference)["requestId"] for _ in range(3)]
    client = world.provider.client
    body = {"subjectReference": reference, "limit": 2}
    first = client.post(f"{ROUTE}/search", body)
    second = client.post(f"{ROUTE}/search", {**body, "after": first["next"]})
    found = [item["requestId"] for item in first["items"] + second["items"]]
    assert found == ids[::-1]
    assert second["next"] is None
    for more, count in (
        ({"state": "sent"}, 3),
        ({"state": "granted"}, 0),
        ({"agreementId": "0x" + "01" * 32}, 0),
    ):
        assert len(client.post(f"{ROUTE}/search", {**body, **more, "limit": 9})["items"]) == count
    assert client.get(ROUTE, limit=1, state="sent")["items"][0]["requestId"] == ids[-1]


async def test_what_is_exported_has_no_end_but_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_requests, "PAGE_SIZE", 2)
    settings = world.node.settings
    master_key = load_master_key(settings.keys_dir)
    database = async_engine(world.node.running.database_url, API_ROLE, 1)
    try:
        for count in (0, 1, 2, 3, 4, 5):
            reference = f"pupil-{secrets.token_hex(6)}"
            ids = [ask(world, subjectReference=reference)["requestId"] for _ in range(count)]
            subject = subject_hash(reference, world.provider.id, master_key)
            async with database.begin() as connection:
                await act_as(connection, world.provider.id)
                found = await find_requests.list_all_about(connection, master_key, 0, subject)
            assert [to_hex(each.request_id) for each in found] == ids[::-1]
    finally:
        await database.dispose()


def test_an_export_has_all_of_a_person_and_opens_as_csv(world: World, secret: bytes) -> None:
    reference = f"pupil-{secrets.token_hex(6)}"
    granted, refused = (ask(world, subjectReference=reference) for _ in range(2))
    formula = ask(world, subjectReference=reference, purposes=[{"purpose": "=1+1"}])
    token = token_of(granted)
    answered(world, token, [compose(opened(world, token), 0, secret)])
    decline(world, token_of(refused)).raise_for_status()
    subject = {"subjectReference": reference}
    whole = world.provider.client.post(f"{ROUTE}/export", subject)
    states = {item["requestId"]: item["state"] for item in whole["requests"]}
    assert states == {
        granted["requestId"]: "granted",
        refused["requestId"]: "refused",
        formula["requestId"]: "sent",
    }
    [consent] = whole["consents"]
    assert consent["purpose"] == PURPOSES[0]
    assert consent["record"]["groupId"] == granted["requestId"][2:]
    answer = send(world.provider.client, "POST", f"{ROUTE}/export?format=csv", subject)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 5
    [with_leaf] = [row for row in rows if row["leaf"]]
    assert (with_leaf["leaf"], with_leaf["assurance"]) == (consent["leaf"], "signed")
    assert "'=1+1" in [row["purpose"] for row in rows]


def test_an_erasure_forgets_the_person_and_closes_the_links(world: World, secret: bytes) -> None:
    reference = f"pupil-{secrets.token_hex(6)}"
    granted, waiting = (ask(world, subjectReference=reference) for _ in range(2))
    token = token_of(granted)
    answer = answered(world, token, [compose(opened(world, token), 0, secret)]).json()
    subject = {"subjectReference": reference}
    assert world.provider.client.post(f"{ROUTE}/erasure", subject) == {"erased": 2}
    assert world.provider.client.post(f"{ROUTE}/export", subject)["requests"] == []
    gone = look_at(world, token_of(waiting))
    assert_problem(gone, 404, "consent-request-not-found", None)
    leaf = answer["consents"][0]["leaf"]
    assert send(world.provider.client, "GET", f"/v1/consents/{leaf}").status_code == 200


@pytest.mark.parametrize("copies", [8])
def test_many_clicks_at_once_are_one_answer(world: World, copies: int) -> None:
    token = token_of(ask(world))
    record = compose(opened(world, token), 0, secrets.token_bytes(32))
    with ThreadPoolExecutor(copies) as pool:
        sent = [pool.submit(answered, world, token, [record]) for _ in range(copies)]
        answers = [future.result() for future in sent]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
