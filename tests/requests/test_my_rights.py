"""What a learner can ask about itself: uses, a copy of everything, objections and erasures."""

from __future__ import annotations

import io
import secrets
import time
from typing import Any

import httpx
import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from indexer.queries.participants import find_dids
from node.db import API_ROLE
from node.export_pdf import write_pdf
from protocol.deadlines import answer_due
from protocol.entries import leaf_of
from protocol.holder_keys import address_of
from protocol.record import check_record, from_json
from protocol.types import UnixSeconds, to_hex
from tests.refusals import assert_problem, send
from tests.requests.asking import nothing_promised
from tests.requests.learner_session import session_of
from tests.stage import Json, World

EUROPEAN = "Žluťoučký kůň, Ærø, straße, Łódź, İğdır, Őrség, țară, Ελλάδα, Българија, þjóð"


def test_a_learner_sees_who_used_its_data_and_nobody_elses(world: World) -> None:
    mine, theirs = secrets.token_bytes(32), secrets.token_bytes(32)
    record, other = world.grant_active(mine), world.grant_active(theirs)
    world.use(record, 2)
    world.use(other, 1)
    learner = session_of(world, mine)
    seen = learner.get("/v1/me/uses")
    assert seen["next"] is None
    assert [use["leaf"] for use in seen["uses"]] == [to_hex(leaf_of(record.entry))] * 2
    assert {use["usedByDid"] for use in seen["uses"]} == {world.consumer.did}
    assert {use["agreementId"] for use in seen["uses"]} == {to_hex(world.agreement)}
    first = learner.get("/v1/me/uses", limit=1)
    rest = learner.get("/v1/me/uses", limit=1, after=first["next"])
    assert first["uses"] + rest["uses"] == seen["uses"]
    assert rest["next"] is None
    assert session_of(world).get("/v1/me/uses")["uses"] == []


def test_the_function_behind_it_shows_proven_keys_alone(world: World, secret: bytes) -> None:
    world.use(world.grant_active(secret), 1)
    for holders, count in (([address_of(secret)], 1), ([], 0), ([b"\x01" * 20], 0)):
        with world.node.engine.connect() as connection:
            connection.execute(text(f"SET LOCAL ROLE {API_ROLE}"))
            value = ",".join(holder.hex() for holder in holders)
            setting = text("SELECT set_config('ptx.holders', :value, true)")
            connection.execute(setting, {"value": value})
            uses = text("SELECT count(*) FROM node.uses_held()")
            assert connection.execute(uses).scalar_one() == count


def pages_of(learner: Any, path: str, noun: str, limit: int) -> list[list[Json]]:
    """All pages of a list, asked for one after the other."""
    pages, after = [], ""
    while True:
        page = learner.get(f"{path}?limit={limit}{after}")
        pages.append(page[noun])
        if page["next"] is None:
            return pages
        after = f"&after={page['next']}"


def test_consents_and_requests_come_in_pages(world: World) -> None:
    key, now = secrets.token_bytes(32), int(time.time())
    begins = [now - 60, now - 60, now - 90, now - 30, now - 60]
    records = [world.make_record(key, valid_from=begin) for begin in begins]
    world.grant(*records)
    learner = session_of(world, key)
    pages = pages_of(learner, "/v1/me/consents", "consents", 2)
    assert [len(page) for page in pages] == [2, 2, 1]
    held = [(each["validFrom"], each["status"]["leaf"]) for page in pages for each in page]
    leaves = [to_hex(leaf_of(record.entry)) for record in records]
    assert held == sorted(zip(begins, leaves, strict=True), reverse=True)
    assert {each["issuerDid"] for page in pages for each in page} == {world.provider.did}
    [whole] = pages_of(learner, "/v1/me/consents", "consents", 5)
    assert [each["status"]["leaf"] for each in whole] == [leaf for _, leaf in held]
    for leaf in leaves:
        world.wait_for_state(records[leaves.index(leaf)], "active")
        learner.post("/v1/me/objections", {"leaf": leaf})
    pages = pages_of(learner, "/v1/me/requests", "requests", 2)
    assert [len(page) for page in pages] == [2, 2, 1]
    asked = [each for page in pages for each in page]
    assert {each["leaf"] for each in asked} == {*leaves}
    newest = [(each["receivedAt"], each["rightsRequestId"]) for each in asked]
    assert newest == sorted(newest, reverse=True)
    for path in ("/v1/me/consents", "/v1/me/requests"):
        for limit in (0, 101):
            answer = send(learner, "GET", f"{path}?limit={limit}")
            assert_problem(answer, 422, "request-invalid", "limit")


def test_a_page_after_what_is_anothers_is_empty(world: World, secret: bytes) -> None:
    other = to_hex(leaf_of(world.grant_active(secrets.token_bytes(32)).entry))
    world.grant_active(secret)
    learner = session_of(world, secret)
    assert learner.get(f"/v1/me/consents?after={other}")["consents"] == []


def test_names_of_many_are_one_query(world: World) -> None:
    asked = {world.provider.id, world.consumer.id, b"\x01" * 20}
    with world.node.engine.connect() as connection:
        assert find_dids(connection, asked) == {
            party.id: party.did for party in (world.provider, world.consumer)
        }


def test_an_export_has_all_and_proves_it(world: World) -> None:
    keys = [secrets.token_bytes(32) for _ in range(2)]
    records = [world.grant_active(key) for key in keys]
    world.use(records[0], 1)
    learner = session_of(world, *keys)
    leaf = to_hex(leaf_of(records[0].entry))
    learner.post("/v1/me/objections", {"leaf": leaf, "reason": "I left the school"})
    whole = learner.get("/v1/me/export")
    assert whole["chainId"] == world.chain_id
    exported = {consent["status"]["leaf"]: consent for consent in whole["consents"]}
    assert {*exported} == {to_hex(leaf_of(record.entry)) for record in records}
    for shown, consent in exported.items():
        assert to_hex(check_record(from_json(consent["record"])).leaf) == shown
    assert [use["leaf"] for use in whole["uses"]] == [leaf]
    assert [request["leaf"] for request in whole["requests"]] == [leaf]
    drawn = send(learner, "GET", "/v1/me/export?format=pdf")
    assert drawn.headers["content-type"] == "application/pdf"
    words = text_of(drawn.content)
    for told in (*(shown[2:20] for shown in exported), world.provider.did, "objection"):
        assert told in words
    assert "signed by a key made on your device" in words


def text_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return "".join(page.extract_text() for page in pages)


def example_export(purpose: str) -> Json:
    document = {
        "receipt": {"piiProcessing": {"purposes": [{"purpose": purpose}]}},
        "notice": {"reference": "https://school.example/privacy"},
        "recipients": [],
        "assurance": "attested",
    }
    status = {"leaf": "0x" + "ab" * 32, "state": "active", "endings": [], "assurance": "attested"}
    return {
        "exportedAt": 0,
        "asOf": {"blockNumber": 7},
        "chainId": 1,
        "registry": "0x" + "cd" * 20,
        "operatorDid": "did:web:a.example",
        "consents": [
            {"status": status, "issuerDid": "did:web:b.example", "record": {"document": document}},
            {"status": status, "issuerDid": None, "record": None},
        ],
        "uses": [],
        "moreUses": False,
        "moreConsents": False,
        "requests": [],
    }


def test_the_pdf_shows_the_letters_of_all_european_languages() -> None:
    words = text_of(write_pdf(example_export(EUROPEAN)))
    assert EUROPEAN in words.replace("\n", " ")
    assert "attested by the issuer" in words
    assert "signed" not in words
    assert "The record is erased." in words


def test_the_pdf_says_that_a_guardian_signed_along() -> None:
    export = example_export("guidance")
    assert "guardian" not in text_of(write_pdf(export))
    export["consents"][0]["record"]["document"]["guardian"] = "0x" + "9a" * 20
    assert "9a" * 20 in text_of(write_pdf(export)).replace("\n", "")


@pytest.mark.parametrize(("noun", "kind"), [("objections", "objection"), ("erasures", "erasure")])
def test_what_a_learner_asks_both_sides_see_until_it_is_answered(
    world: World, secret: bytes, noun: str, kind: str
) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    learner = session_of(world, secret)
    before = int(time.time())
    made = learner.post(f"/v1/me/{noun}", {"leaf": leaf, "reason": "because"})
    assert (made["kind"], made["state"], made["leaf"]) == (kind, "received", leaf)
    assert made["organisation"] == to_hex(world.provider.id)
    assert made["receivedAt"] >= before
    assert made["dueAt"] == answer_due(UnixSeconds(made["receivedAt"]))
    assert learner.post(f"/v1/me/{noun}", {"leaf": leaf}) == made
    assert learner.get("/v1/me/requests")["requests"] == [made]
    shown = own(world, made["rightsRequestId"])
    assert shown == {**made, "message": "because", "contact": None}
    path = f"/v1/rights-requests/{made['rightsRequestId']}/answer"
    later = world.provider.client.post(path, {"decision": "extended", "reason": "much to do"})
    assert later["dueAt"] == answer_due(UnixSeconds(made["receivedAt"]), extended=True)
    again = send(world.provider.client, "POST", path, {"decision": "extended", "reason": "more"})
    assert_problem(again, 409, "rights-request-closed", None)
    world.provider.client.post(path, {"decision": "refused", "reason": "a duty to keep"})
    [seen] = learner.get("/v1/me/requests")["requests"]
    assert (seen["state"], seen["reason"]) == ("refused", "a duty to keep")
    assert seen["extensionReason"] == "much to do"
    closed = send(world.provider.client, "POST", path, {"decision": "done"})
    assert_problem(closed, 409, "rights-request-closed", None)
    assert learner.post(f"/v1/me/{noun}", {"leaf": leaf})["state"] == "received"


def own(world: World, request_id: str) -> Json:
    whole = world.provider.client.get_whole("/v1/rights-requests", "items", limit=100)
    [found] = [item for item in whole["items"] if item["rightsRequestId"] == request_id]
    result: Json = found
    return result


def test_a_late_answer_is_seen_to_be_late(world: World, secret: bytes) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    learner = session_of(world, secret)
    made = learner.post("/v1/me/erasures", {"leaf": leaf})
    past = int(time.time()) - 40 * 86_400
    world.node.sql(
        "UPDATE node.rights_requests SET received_at = :past, due_at = :due"
        " WHERE rights_request_id = :id",
        past=past,
        due=answer_due(UnixSeconds(past)),
        id=bytes.fromhex(made["rightsRequestId"][2:]),
    )
    assert learner.get("/v1/me/requests")["requests"][0]["overdue"]
    path = f"/v1/rights-requests/{made['rightsRequestId']}/answer"
    late = send(world.provider.client, "POST", path, {"decision": "extended", "reason": "busy"})
    assert_problem(late, 409, "rights-request-closed", None)
    done = world.provider.client.post(path, {"decision": "done"})
    assert (done["state"], done["overdue"]) == ("done", True)


def test_a_learner_may_ask_a_recipient_too_but_nobody_else(world: World, secret: bytes) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    learner = session_of(world, secret)
    body = {"leaf": leaf, "organisation": to_hex(world.consumer.id)}
    assert learner.post("/v1/me/objections", body)["organisation"] == to_hex(world.consumer.id)
    with nothing_promised(world):
        stranger = {"leaf": leaf, "organisation": "0x" + "01" * 20}
        answer = send(learner, "POST", "/v1/me/objections", stranger)
        assert_problem(answer, 404, "participant-not-found", "organisation")


def test_a_consent_of_another_key_is_nobodys_to_object_to(world: World, secret: bytes) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    with nothing_promised(world):
        for learner in (session_of(world), session_of(world, secrets.token_bytes(32))):
            for noun in ("objections", "erasures"):
                answer = send(learner, "POST", f"/v1/me/{noun}", {"leaf": leaf})
                assert_problem(answer, 404, "consent-not-found", "leaf")
    for path in ("uses", "export", "requests"):
        answer = httpx.get(f"{world.node.url}/v1/me/{path}")
        assert_problem(answer, 401, "session-refused", None)


def test_no_row_leads_from_one_key_to_another(world: World) -> None:
    keys = [secrets.token_bytes(32) for _ in range(2)]
    learner = session_of(world, *keys)
    for key in keys:
        leaf = to_hex(leaf_of(world.grant_active(key).entry))
        learner.post("/v1/me/objections", {"leaf": leaf})
    one, two = (address_of(key).hex() for key in keys)
    for row in world.node.sql("SELECT r::text AS whole FROM node.rights_requests r"):
        assert not (one in row.whole and two in row.whole)


def test_the_database_takes_no_request_for_a_key_that_is_not_proven(world: World) -> None:
    insert = (
        "INSERT INTO node.rights_requests (rights_request_id, organisation_id, kind, holder,"
        " received_at, due_at) VALUES (:id, :organisation, 'objection', :holder, 0, 0)"
    )
    values = {"id": b"\x01" * 16, "organisation": world.provider.id, "holder": b"\x02" * 20}
    with world.node.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL ROLE {API_ROLE}"))
        setting = text("SELECT set_config('ptx.holders', :value, true)")
        connection.execute(setting, {"value": "03" * 20})
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(text(insert), values)


# -- who has lost every key ------------------------------------------------------------------------


def test_who_has_lost_every_key_asks_and_sees_the_deadline(world: World) -> None:
    path = f"/v1/organisations/{to_hex(world.provider.id)}/rights-requests"
    body = {"kind": "erasure", "message": "I am Zoë of 3b", "contact": "zoe@example.org"}
    made = httpx.post(world.node.url + path, json=body)
    assert made.status_code == 201, made.text
    token, request = made.json()["token"], made.json()["request"]
    assert request["dueAt"] == answer_due(UnixSeconds(request["receivedAt"]))
    shown = own(world, request["rightsRequestId"])
    assert (shown["message"], shown["contact"]) == (body["message"], body["contact"])
    answer = f"/v1/rights-requests/{request['rightsRequestId']}/answer"
    world.provider.client.post(answer, {"decision": "done"})
    seen = by_token(world, token)
    assert seen.json()["state"] == "done"
    assert "message" not in seen.json()
    assert_problem(by_token(world, "A" * 43), 404, "rights-request-not-found", "Reference-Token")
    assert_problem(by_token(world, "A"), 422, "request-invalid", "Reference-Token")
    dump = "".join(
        row.whole for row in world.node.sql("SELECT r::text AS whole FROM node.rights_requests r")
    )
    for hidden in (token, token.encode().hex(), "Zoë".encode().hex(), "zoe@example.org"):
        assert hidden not in dump
    nobody = f"/v1/organisations/0x{'01' * 20}/rights-requests"
    refused = httpx.post(world.node.url + nobody, json=body)
    assert_problem(refused, 404, "participant-not-found", "organisation_id")


def by_token(world: World, token: str) -> httpx.Response:
    url = f"{world.node.url}/v1/rights-requests/by-token"
    return httpx.get(url, headers={"Reference-Token": token})


def test_an_organisation_sees_and_answers_its_own_requests_alone(
    world: World, secret: bytes
) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    made = session_of(world, secret).post("/v1/me/objections", {"leaf": leaf})
    whole = world.consumer.client.get_whole("/v1/rights-requests", "items", limit=100)
    assert made["rightsRequestId"] not in str(whole)
    path = f"/v1/rights-requests/{made['rightsRequestId']}/answer"
    answer = send(world.consumer.client, "POST", path, {"decision": "done"})
    assert_problem(answer, 404, "rights-request-not-found", None)


@pytest.mark.parametrize("decision", ["refused", "extended"])
def test_no_refusal_or_extension_without_a_reason(world: World, decision: str) -> None:
    path = f"/v1/rights-requests/0x{'00' * 16}/answer"
    answer = send(world.provider.client, "POST", path, {"decision": decision})
    assert_problem(answer, 422, "request-invalid", "body")
