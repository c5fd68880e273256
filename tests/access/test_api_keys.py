"""API keys: shown once, never wider than their maker, rotated with an overlap, revoked at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from node.api_keys import hash_api_key
from node.client import NodeClient
from node.config import Settings
from node.db import owner_engine
from node.migrate import migrate
from node.preparation import write_operator_key
from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.access.callers import client_of, make_key
from tests.access.signing import session_of
from tests.refusals import assert_problem, nothing_written, refused, send
from tests.stage import Json, World

DAY = 86_400


def listed(client: NodeClient) -> dict[str, Json]:
    return {each["keyId"]: each for each in client.get("/v1/api-keys")["items"]}


def works(world: World, made: Json) -> bool:
    answer = send(NodeClient(world.node.url, made["apiKey"]), "GET", "/v1/session")
    if answer.status_code == 401:
        assert_problem(answer, 401, "key-invalid", None)
    return answer.status_code == 200


def test_a_key_is_shown_once_and_listed_without_itself(world: World) -> None:
    ends = int(time.time()) + DAY
    made = make_key(world.provider.client, "auditor", areas=["usage", "events"], expiresAt=ends)
    key = made.pop("apiKey")
    assert key.startswith("ptx_")
    assert len(key) == 47
    assert made["keyId"] == to_hex(hash_api_key(key)[:16])
    assert (made["role"], made["areas"], made["expiresAt"]) == (
        "auditor",
        ["events", "usage"],
        ends,
    )
    answer = send(world.provider.client, "GET", "/v1/api-keys")
    assert key not in answer.text
    assert listed(world.provider.client)[made["keyId"]] == made
    me = NodeClient(world.node.url, key).get("/v1/session")
    assert me["rights"] == ["events:read", "usage:read"]
    assert (me["kind"], me["expiresAt"]) == ("machine", ends)


def test_another_organisations_keys_are_neither_seen_nor_touched(world: World) -> None:
    made = make_key(world.provider.client, "operator")
    stranger = world.consumer.client
    assert made["keyId"] not in listed(stranger)
    for method, path in (("DELETE", ""), ("POST", "/rotate")):
        body = {"overlapSeconds": 0} if path else None
        answer = send(stranger, method, f"/v1/api-keys/{made['keyId']}{path}", body)
        assert_problem(answer, 404, "api-key-not-found", None)
    assert works(world, made)


def test_the_day_of_the_last_use_is_kept_and_written_once(world: World) -> None:
    made = make_key(world.provider.client, "operator")
    assert listed(world.provider.client)[made["keyId"]]["lastUsedOn"] is None
    caller = NodeClient(world.node.url, made["apiKey"])
    question = {"consents": [{"leaf": "0x" + "00" * 32}]}

    def row_version() -> Any:
        [row] = world.node.sql(
            "SELECT xmin::text AS version, last_used_on FROM node.api_keys WHERE key_hash = :hash",
            hash=hash_api_key(made["apiKey"]),
        )
        return row

    caller.get("/v1/session")
    first = row_version()
    assert first.last_used_on == datetime.now(UTC).date()
    for _ in range(3):
        caller.get("/v1/session")
        send(caller, "POST", "/v1/consents/status", question)
    assert row_version() == first
    today = first.last_used_on.isoformat()
    assert listed(world.provider.client)[made["keyId"]]["lastUsedOn"] == today


WIDER: dict[str, Json] = {
    "another area": {"role": "operator", "areas": ["consents"]},
    "all areas": {"role": "admin", "areas": None},
    "no end": {"role": "admin", "areas": ["access"], "expiresAt": None},
    "a later end": {"role": "admin", "areas": ["access"], "expiresAt": int(time.time()) + 9 * DAY},
}


@pytest.mark.parametrize("wider", WIDER.values(), ids=WIDER)
def test_nobody_makes_a_key_that_may_do_more_or_lives_longer(at_rest: World, wider: Json) -> None:
    ends = int(time.time()) + DAY
    maker = client_of(at_rest.provider.client, "admin", areas=["access"], expiresAt=ends)
    body = {"label": "wider", "expiresAt": ends, **wider}
    maker.get("/v1/session")
    refused(at_rest, maker, "/v1/api-keys", body, 403, "grant-too-wide", None)
    assert make_key(maker, "admin", areas=["access"], expiresAt=ends)["role"] == "admin"


def test_nobody_rotates_a_wider_key_than_their_own(world: World) -> None:
    maker = client_of(world.provider.client, "admin", areas=["access"])
    made = make_key(world.provider.client, "admin")
    path = f"/v1/api-keys/{made['keyId']}/rotate"
    answer = send(maker, "POST", path, {"overlapSeconds": 0})
    assert_problem(answer, 403, "grant-too-wide", None)
    assert works(world, made)


def test_an_end_that_is_past_is_refused(at_rest: World) -> None:
    body = {"label": "late", "role": "auditor", "expiresAt": int(time.time()) - 1}
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/api-keys", body, 422, "request-invalid", "expiresAt")


FAULTS: dict[str, tuple[str, Any]] = {
    "role": ("role", "root"),
    "areas": ("areas.0", ["everything"]),
    "label": ("label", ""),
    "expiresAt": ("expiresAt", 10**15),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_role_area_label_or_time_is_named(at_rest: World, name: str) -> None:
    field, value = FAULTS[name]
    body = {"label": "wrong", "role": "auditor", name: value}
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/api-keys", body, 422, "request-invalid", field)


def test_a_rotated_key_works_beside_the_new_one_and_no_longer(world: World) -> None:
    old = make_key(world.provider.client, "operator", areas=["usage"])
    path = f"/v1/api-keys/{old['keyId']}/rotate"
    new = world.provider.client.post(path, {"overlapSeconds": 600})
    assert {name: new[name] for name in ("label", "role", "areas", "expiresAt", "retiresAt")} == {
        "label": old["label"],
        "role": "operator",
        "areas": ["usage"],
        "expiresAt": None,
        "retiresAt": None,
    }
    assert works(world, old)
    assert works(world, new)
    retires = listed(world.provider.client)[old["keyId"]]["retiresAt"]
    assert abs(retires - time.time() - 600) < 30
    again = world.provider.client.post(path, {"overlapSeconds": 86_400})
    assert listed(world.provider.client)[old["keyId"]]["retiresAt"] == retires, "never later"
    world.node.sql(
        "UPDATE node.api_keys SET retires_at = now() - interval '1 second' WHERE key_hash = :hash",
        hash=hash_api_key(old["apiKey"]),
    )
    assert not works(world, old)
    assert old["keyId"] not in listed(world.provider.client)
    assert works(world, new)
    assert works(world, again)
    answer = send(world.provider.client, "POST", path, {"overlapSeconds": 0})
    assert_problem(answer, 404, "api-key-not-found", None)


def test_a_rotation_without_overlap_ends_the_old_key_at_once(world: World) -> None:
    old = make_key(world.provider.client, "operator")
    path = f"/v1/api-keys/{old['keyId']}/rotate"
    new = world.provider.client.post(path, {"overlapSeconds": 0})
    assert not works(world, old)
    assert works(world, new)


def test_an_admin_key_rotates_itself(world: World) -> None:
    old = make_key(world.provider.client, "admin")
    caller = NodeClient(world.node.url, old["apiKey"])
    new = caller.post(f"/v1/api-keys/{old['keyId']}/rotate", {"overlapSeconds": 0})
    assert not works(world, old)
    assert works(world, new)


def test_the_last_who_lets_others_in_stays(world: World) -> None:
    """On an organisation of its own, since the others have many keys."""
    organisation = b"\x77" * 20
    key = "ptx_" + "k" * 43
    world.node.sql(
        "INSERT INTO node.organisations (organisation_id, did, name)"
        " VALUES (:id, 'did:web:lonely.example', 'Lonely')",
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
    soon = int(time.time()) + DAY
    for grant in (
        {"role": "operator"},
        {"role": "admin", "areas": ["consents"]},
        {"role": "admin", "expiresAt": soon},
    ):
        admin.post("/v1/api-keys", {"label": "another", **grant})
    world.node.sql(
        "UPDATE node.api_keys SET expires_at = now() - interval '1 second'"
        " WHERE organisation_id = :id AND expires_at IS NOT NULL",
        id=organisation,
    )
    with nothing_written(world):
        answer = send(admin, "DELETE", f"/v1/api-keys/{own}")
    assert_problem(answer, 409, "last-admin", None)
    successor = admin.post(f"/v1/api-keys/{own}/rotate", {"overlapSeconds": 60})
    admin.delete(f"/v1/api-keys/{own}")
    left = NodeClient(world.node.url, successor["apiKey"])
    answer = send(left, "DELETE", f"/v1/api-keys/{successor['keyId']}")
    assert_problem(answer, 409, "last-admin", None)


def test_an_organisation_has_enough_keys_some_day(world: World) -> None:
    organisation, key = b"\x78" * 20, "ptx_" + "m" * 43
    world.node.sql(
        "INSERT INTO node.organisations (organisation_id, did, name)"
        " VALUES (:id, 'did:web:many.example', 'Many')",
        id=organisation,
    )
    world.node.sql(
        "INSERT INTO node.api_keys (key_hash, organisation_id, role, label)"
        " SELECT sha256(convert_to(n::text, 'UTF8')), :id, 'auditor', 'one'"
        " FROM generate_series(1, 99) n",
        id=organisation,
    )
    world.node.sql(
        "INSERT INTO node.api_keys (key_hash, organisation_id, role, label)"
        " VALUES (:hash, :id, 'admin', 'first')",
        hash=hash_api_key(key),
        id=organisation,
    )
    admin = NodeClient(world.node.url, key)
    answer = send(admin, "POST", "/v1/api-keys", {"label": "one more", "role": "auditor"})
    assert_problem(answer, 409, "access-limit", None)


def test_who_lost_the_answer_to_a_rotation_rotates_again(world: World) -> None:
    old = make_key(world.provider.client, "admin")
    caller = NodeClient(world.node.url, old["apiKey"])
    path = f"/v1/api-keys/{old['keyId']}/rotate"
    caller.post(path, {"overlapSeconds": 60})
    assert works(world, caller.post(path, {"overlapSeconds": 60}))


def test_a_key_of_the_operator_that_was_revoked_does_not_come_back(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url, settings = new_database(), Settings(state_dir=tmp_path)
    engine = owner_engine(url)
    migrate(engine)

    def kept() -> list[bytes]:
        with engine.connect() as connection:
            return list(connection.scalars(text("SELECT key_hash FROM node.api_keys")))

    write_operator_key(settings, engine)
    first = hash_api_key(settings.api_key_file.read_text().strip())
    assert kept() == [first]
    with engine.begin() as connection:
        connection.execute(text("UPDATE node.api_keys SET key_hash = 'another'"))
    write_operator_key(settings, engine)
    assert kept() == [b"another"]
    settings.api_key_file.unlink()
    write_operator_key(settings, engine)
    assert hash_api_key(settings.api_key_file.read_text().strip()) in kept()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM node.api_keys"))
    write_operator_key(settings, engine)
    assert len(kept()) == 1
    engine.dispose()


# -- the quick status door -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def leaf(world: World) -> str:
    return to_hex(leaf_of(world.grant_active(b"\x61" * 32).entry))


def ask(client: NodeClient, leaf: str) -> Any:
    return send(client, "POST", "/v1/consents/status", {"consents": [{"leaf": leaf}]})


def quick_answers(world: World) -> float:
    text = send(world.operator, "GET", "/metrics").text
    [line] = [each for each in text.splitlines() if each.startswith("ptx_quick_status_total ")]
    return float(line.split()[1])


@pytest.mark.parametrize("role", ["admin", "operator", "auditor"])
def test_the_status_door_is_open_to_whoever_reads_consents(
    world: World, leaf: str, role: str
) -> None:
    caller = client_of(world.provider.client, role, areas=["consents"])
    assert ask(caller, leaf).json()["consents"][0]["active"] is True
    before = quick_answers(world)
    assert ask(caller, leaf).json()["consents"][0]["active"] is True
    assert quick_answers(world) == before + 1, "the first of a day is noted, the next are quick"


def test_the_status_door_is_closed_to_whoever_does_not(world: World, leaf: str) -> None:
    before = quick_answers(world)
    elsewhere = client_of(world.provider.client, "admin", areas=["usage", "access"])
    for _ in range(2):
        assert_problem(ask(elsewhere, leaf), 403, "role-missing", None)
    made = make_key(world.provider.client, "operator")
    caller = NodeClient(world.node.url, made["apiKey"])
    assert [ask(caller, leaf).status_code for _ in range(2)] == [200, 200]
    world.provider.client.delete(f"/v1/api-keys/{made['keyId']}")
    assert_problem(ask(caller, leaf), 401, "key-invalid", None)
    for column in ("expires_at", "retires_at"):
        made = make_key(world.provider.client, "operator")
        caller = NodeClient(world.node.url, made["apiKey"])
        assert [ask(caller, leaf).status_code for _ in range(2)] == [200, 200]
        world.node.sql(
            f"UPDATE node.api_keys SET {column} = now() WHERE key_hash = :hash",
            hash=hash_api_key(made["apiKey"]),
        )
        assert_problem(ask(caller, leaf), 401, "key-invalid", None)
    unknown = NodeClient(world.node.url)
    world.node.sql(
        "INSERT INTO node.api_keys (key_hash, organisation_id, role, label, last_used_on)"
        " VALUES (:hash, :id, 'a role of no meaning', 'odd', (now() AT TIME ZONE 'UTC')::date)",
        hash=hash_api_key("ptx_odd" + leaf),
        id=world.provider.id,
    )
    unknown._http.headers["authorization"] = "Bearer ptx_odd" + leaf
    assert_problem(ask(unknown, leaf), 403, "role-missing", None)
    assert quick_answers(world) == before + 3


def test_the_status_door_leaves_people_to_the_route(world: World, leaf: str) -> None:
    _, person = session_of(world, world.provider.wallet.account)
    before = quick_answers(world)
    assert ask(person, leaf).json()["consents"][0]["active"] is True
    assert quick_answers(world) == before


# -- secrets ---------------------------------------------------------------------------------------


def test_no_secret_is_in_the_database_or_in_a_log(world: World) -> None:
    """Every text and byte of every table of the node, and all that its processes wrote."""
    label = "Zoë Canary, third floor"
    made = make_key(world.provider.client, "operator")
    invited = world.provider.client.post("/v1/people", {"label": label, "role": "auditor"})
    opened, person = session_of(world, world.provider.wallet.account)
    for client in (person, NodeClient(world.node.url, made["apiKey"])):
        client.get("/v1/session")
        send(client, "POST", "/v1/consents", {"records": []})
        send(client, "GET", "/v1/nothing")
    secrets = [made["apiKey"], invited["invitation"], opened["token"], label]
    forms = [secret.encode() for secret in secrets]
    forms += [secret.partition("_")[2].encode() for secret in secrets if "_" in secret]
    kept = dump(world)
    assert world.provider.did.encode() in kept, "the dump has what is in clear"
    written = b"".join(log.read_bytes() for log in Path(world.node.settings.log_dir).iterdir())
    assert written, "the processes have written something"
    for form in forms:
        assert form not in kept
        assert form.hex().encode() not in kept
        assert form not in written


def dump(world: World) -> bytes:
    """All rows of the node's tables as text, in which bytes are hexadecimal."""
    found = []
    with world.node.engine.connect() as connection:
        names = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'node'")
        ).all()
        assert len(names) > 10
        for name in names:
            rows = connection.scalars(text(f'SELECT row_to_json(t)::text FROM node."{name}" t'))
            found += [json.dumps(json.loads(row), ensure_ascii=False) for row in rows]
    return "\n".join(found).encode()
