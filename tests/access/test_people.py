"""People of an organisation: invited, joined, given another role, removed; and their sessions."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from node.api_keys import hash_api_key
from node.client import NodeClient
from protocol.record import to_json
from protocol.types import to_hex
from tests.access.callers import client_of
from tests.access.signing import new_account, session_of, sign_in
from tests.at_once import WAITING
from tests.refusals import assert_problem, refused, send
from tests.stage import Json, World, wait_until

UNKNOWN = "0x" + "00" * 16


def invite(client: NodeClient, role: str = "operator", **more: object) -> Json:
    invited: Json = client.post("/v1/people", {"label": "Zoë", "role": role, **more})
    return invited


def people(client: NodeClient) -> dict[str, Json]:
    return {each["personId"]: each for each in client.get("/v1/people")["items"]}


def test_an_invited_person_joins_with_a_wallet_once(world: World) -> None:
    account, admin = new_account(), world.provider.client
    invited = invite(admin, areas=["consents"])
    assert people(admin)[invited["personId"]]["state"] == "invited"
    assert_problem(sign_in(world, account), 401, "sign-in-refused", None)
    opened, client = session_of(world, account, invitation=invited["invitation"])
    assert opened["personId"] == invited["personId"]
    me = client.get("/v1/session")
    assert (me["role"], me["rights"]) == ("operator", ["consents:read", "consents:write"])
    shown = people(admin)[invited["personId"]]
    assert (shown["label"], shown["state"]) == ("Zoë", "joined")
    assert shown["address"] == account.address.lower()
    again = sign_in(world, new_account(), invitation=invited["invitation"])
    assert_problem(again, 401, "invitation-refused", None)
    assert session_of(world, account)[0]["personId"] == invited["personId"]


def test_of_two_who_take_an_invitation_at_the_same_time_one_joins(world: World) -> None:
    invitation = invite(world.provider.client)["invitation"]
    accounts = [new_account(), new_account()]
    with ThreadPoolExecutor(2) as pool:
        with world.node.engine.begin() as holding:
            holding.execute(text("LOCK TABLE node.people IN SHARE MODE"))
            sent = [pool.submit(sign_in, world, each, invitation=invitation) for each in accounts]
            wait_until(lambda: world.node.sql(WAITING)[0].waiting == 2, "both")
        statuses = sorted(each.result().status_code for each in sent)
    assert statuses == [201, 401]


def test_an_invitation_ends(world: World) -> None:
    invited = invite(world.provider.client, validSeconds=60)
    assert abs(invited["invitationExpiresAt"] - time.time() - 60) < 30
    world.node.sql(
        "UPDATE node.people SET invitation_expires_at = now() WHERE invitation_hash = :hash",
        hash=hash_api_key(invited["invitation"]),
    )
    answer = sign_in(world, new_account(), invitation=invited["invitation"])
    assert_problem(answer, 401, "invitation-refused", None)


def test_an_invitation_that_was_taken_back_opens_nothing(world: World) -> None:
    invited = invite(world.provider.client)
    world.provider.client.delete(f"/v1/people/{invited['personId']}")
    answer = sign_in(world, new_account(), invitation=invited["invitation"])
    assert_problem(answer, 401, "invitation-refused", None)


def test_one_address_is_of_one_person_of_an_organisation(world: World) -> None:
    account, admin = new_account(), world.provider.client
    session_of(world, account, invitation=invite(admin)["invitation"])
    second = invite(admin)
    answer = sign_in(world, account, invitation=second["invitation"])
    assert_problem(answer, 409, "person-known", None)
    assert people(admin)[second["personId"]]["state"] == "invited"


def test_who_works_for_two_organisations_says_for_which(world: World) -> None:
    account = new_account()
    for party in (world.provider, world.consumer):
        session_of(world, account, invitation=invite(party.client)["invitation"])
    problem = assert_problem(sign_in(world, account), 409, "organisation-unclear", "organisationId")
    for party in (world.provider, world.consumer):
        assert to_hex(party.id) in problem["detail"]
        opened, _ = session_of(world, account, organisationId=to_hex(party.id))
        assert opened["organisationId"] == to_hex(party.id)
    answer = sign_in(world, account, organisationId=to_hex(world.story.stage.operator_id))
    assert_problem(answer, 401, "sign-in-refused", None)


def test_another_role_counts_from_the_next_request_on(world: World) -> None:
    admin = world.provider.client
    invited = invite(admin, "admin")
    _, client = session_of(world, new_account(), invitation=invited["invitation"])
    assert client.get("/v1/api-keys")["items"]
    path = f"/v1/people/{invited['personId']}/role"
    changed = admin.put(path, {"role": "auditor", "areas": ["usage"]})
    assert (changed["role"], changed["areas"]) == ("auditor", ["usage"])
    assert_problem(send(client, "GET", "/v1/api-keys"), 403, "role-missing", None)
    assert client.get("/v1/session")["rights"] == ["usage:read"]


def test_whoever_is_removed_is_out_at_once(world: World) -> None:
    admin, account = world.provider.client, new_account()
    invited = invite(admin)
    _, client = session_of(world, account, invitation=invited["invitation"])
    client.get("/v1/session")
    admin.delete(f"/v1/people/{invited['personId']}")
    assert_problem(send(client, "GET", "/v1/session"), 401, "session-ended", None)
    assert_problem(sign_in(world, account), 401, "sign-in-refused", None)
    assert invited["personId"] not in people(admin)


def test_people_of_another_organisation_are_neither_seen_nor_touched(world: World) -> None:
    invited = invite(world.provider.client)
    opened, client = session_of(world, new_account(), invitation=invited["invitation"])
    session = to_hex(hash_api_key(opened["token"])[:16])
    stranger = world.consumer.client
    assert invited["personId"] not in people(stranger)
    assert session not in send(stranger, "GET", "/v1/sessions").text
    for known, slug, method, path in (
        (invited["personId"], "person", "DELETE", "/v1/people/{}"),
        (invited["personId"], "person", "PUT", "/v1/people/{}/role"),
        (session, "session", "DELETE", "/v1/sessions/{}"),
    ):
        body = {"role": "auditor"} if method == "PUT" else None
        for each in (known, UNKNOWN):
            answer = send(stranger, method, path.format(each), body)
            assert_problem(answer, 404, f"{slug}-not-found", None)
    assert client.get("/v1/session")["role"] == "operator"


def test_nobody_invites_or_promotes_beyond_themselves(at_rest: World) -> None:
    maker = client_of(at_rest.provider.client, "admin", areas=["access", "consents"])
    invited = invite(maker, "auditor", areas=["consents"])
    path = f"/v1/people/{invited['personId']}/role"
    for wider in ({"role": "admin"}, {"role": "auditor", "areas": ["usage"]}):
        body = {"label": "wider", **wider}
        refused(at_rest, maker, "/v1/people", body, 403, "grant-too-wide", None)
        assert_problem(send(maker, "PUT", path, wider), 403, "grant-too-wide", None)


def test_a_key_with_an_end_invites_nobody(at_rest: World) -> None:
    ends = int(time.time()) + 86_400
    maker = client_of(at_rest.provider.client, "admin", expiresAt=ends)
    body = {"label": "for ever", "role": "auditor"}
    maker.get("/v1/session")
    refused(at_rest, maker, "/v1/people", body, 403, "grant-too-wide", None)


def test_a_person_can_be_the_last_who_lets_others_in(world: World) -> None:
    organisation, key = b"\x79" * 20, "ptx_" + "p" * 43
    world.node.sql(
        "INSERT INTO node.organisations (organisation_id, did, name)"
        " VALUES (:id, 'did:web:persons.example', 'Persons')",
        id=organisation,
    )
    world.node.sql(
        "INSERT INTO node.api_keys (key_hash, organisation_id, role, label)"
        " VALUES (:hash, :id, 'admin', 'first')",
        hash=hash_api_key(key),
        id=organisation,
    )
    admin = NodeClient(world.node.url, key)
    own = admin.get("/v1/api-keys")["items"][0]["keyId"]
    invited = invite(admin, "admin")
    answer = send(admin, "DELETE", f"/v1/api-keys/{own}")
    assert_problem(answer, 409, "last-admin", None)
    _, person = session_of(world, new_account(), invitation=invited["invitation"])
    person.delete(f"/v1/api-keys/{own}")
    for method, path, body in (
        ("DELETE", f"/v1/people/{invited['personId']}", None),
        ("PUT", f"/v1/people/{invited['personId']}/role", {"role": "operator"}),
    ):
        assert_problem(send(person, method, path, body), 409, "last-admin", None)
    assert person.get("/v1/session")["role"] == "admin"


# -- sessions --------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_and_no_other(world: World) -> None:
    account = world.provider.wallet.account
    (_, first), (_, second) = session_of(world, account), session_of(world, account)
    first.delete("/v1/session")
    assert_problem(send(first, "GET", "/v1/session"), 401, "session-ended", None)
    assert second.get("/v1/session")["kind"] == "person"
    answer = send(world.provider.client, "DELETE", "/v1/session")
    assert_problem(answer, 409, "no-session", None)


def test_sessions_are_listed_and_ended_by_an_admin(world: World) -> None:
    opened, client = session_of(world, world.provider.wallet.account)
    session = to_hex(hash_api_key(opened["token"])[:16])
    answer = send(world.provider.client, "GET", "/v1/sessions")
    assert opened["token"] not in answer.text
    [shown] = [each for each in answer.json()["items"] if each["sessionId"] == session]
    assert shown["address"] == opened["address"]
    assert shown["expiresAt"] == opened["expiresAt"]
    world.provider.client.delete(f"/v1/sessions/{session}")
    assert_problem(send(client, "GET", "/v1/session"), 401, "session-ended", None)


AGED = {
    "over": "expires_at = now()",
    "idle": "last_seen_at = now() - interval '31 minutes'",
}


@pytest.mark.parametrize("aged", AGED.values(), ids=AGED)
def test_a_session_ends_by_itself(world: World, aged: str) -> None:
    opened, client = session_of(world, world.provider.wallet.account)
    token_hash = hash_api_key(opened["token"])
    assert client.get("/v1/session")["kind"] == "person"
    world.node.sql(f"UPDATE node.person_sessions SET {aged} WHERE token_hash = :h", h=token_hash)
    assert_problem(send(client, "GET", "/v1/session"), 401, "session-ended", None)
    assert to_hex(token_hash[:16]) not in send(world.provider.client, "GET", "/v1/sessions").text


def test_a_session_in_use_does_not_become_idle(world: World) -> None:
    opened, client = session_of(world, world.provider.wallet.account)
    token_hash = hash_api_key(opened["token"])
    world.node.sql(
        "UPDATE node.person_sessions SET last_seen_at = now() - interval '29 minutes'"
        " WHERE token_hash = :h",
        h=token_hash,
    )
    client.get("/v1/session")
    [row] = world.node.sql(
        "SELECT extract(epoch FROM now() - last_seen_at) AS age FROM node.person_sessions"
        " WHERE token_hash = :h",
        h=token_hash,
    )
    assert row.age < 60


def test_a_request_repeated_after_signing_in_again_is_known_as_the_same_persons(
    world: World, secret: bytes
) -> None:
    account = world.provider.wallet.account
    body = {"records": [to_json(world.make_record(secret))]}
    answers = []
    for _ in range(2):
        _, client = session_of(world, account)
        answer = send(client, "POST", "/v1/consents", body, {"Idempotency-Key": "the same"})
        assert answer.status_code == 202, answer.text
        answers.append(answer)
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
