"""The quick answer to a status check is the plain one, in every case where it gives one."""

from __future__ import annotations

import json
import random
import secrets
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.stage import Json, World


@pytest.fixture(scope="module")
def leaves(world: World) -> dict[str, str]:
    """One consent of every kind that an organisation may ask about, by its leaf."""
    keys = [secrets.token_bytes(32) for _ in range(8)]
    records = [world.grant_active(key) for key in keys]
    found = {f"active {index}": record for index, record in enumerate(records[:4])}
    registry = world.contract("ConsentRegistry").functions
    world.withdraw(records[4], keys[4])
    world.wait_for_state(records[4], "withdrawn")
    found["withdrawn"] = records[4]
    world.provider.wallet.call(registry.revoke(world.provider.id, leaf_of(records[5].entry)))
    world.wait_for_state(records[5], "revoked")
    found["revoked"] = records[5]
    # Somebody else's ending counts for nothing, though the quick side must not overlook it.
    world.provider.wallet.call(registry.withdraw(leaf_of(records[6].entry)))
    found["ended by a stranger"] = records[6]
    found["last"] = records[7]
    return {name: to_hex(leaf_of(record.entry)) for name, record in found.items()}


def quick(world: World, leaves: list[str]) -> Json:
    answer: Json = world.provider.client.post(
        "/v1/consents/status", {"consents": [{"leaf": leaf} for leaf in leaves]}
    )
    return answer


def plain(world: World, leaves: list[str]) -> Json:
    """The same question with a member more, which the door leaves to the route."""
    questions = [{"leaf": leaf, "entry": None} for leaf in leaves]
    answer: Json = world.provider.client.post("/v1/consents/status", {"consents": questions})
    return answer


def counted(world: World) -> float:
    text = world.node.metrics()
    [line] = [each for each in text.splitlines() if each.startswith("ptx_quick_status_total ")]
    return float(line.split()[1])


def test_both_say_the_same_of_any_consents(world: World, leaves: dict[str, str]) -> None:
    draw = random.Random(7)
    for _ in range(25):
        asked = draw.choices(sorted(leaves.values()), k=draw.randint(1, 12))
        found, expected = quick(world, asked), plain(world, asked)
        assert found["consents"] == expected["consents"]
        assert found["asOf"].keys() == expected["asOf"].keys()
        assert [each["leaf"] for each in found["consents"]] == asked


def test_the_door_answers_whatever_the_caller_holds(world: World, leaves: dict[str, str]) -> None:
    asked = list(leaves.values())
    before = counted(world)
    found = quick(world, asked)["consents"]
    assert counted(world) == before + len(asked)
    assert [each["active"] for each in found] == [
        name not in ("withdrawn", "revoked") for name in leaves
    ]
    assert plain(world, asked)["consents"] == found
    assert counted(world) == before + len(asked)


def test_an_unknown_leaf_is_the_routes_to_refuse(world: World, leaves: dict[str, str]) -> None:
    before = counted(world)
    unknown = ["0x" + "17" * 32, "0x" + "18" * 32]
    asked = {"consents": [{"leaf": leaf} for leaf in (leaves["active 0"], *unknown)]}
    answer = send(world.provider.client, "POST", "/v1/consents/status", asked)
    problem = assert_problem(answer, 404, "consent-not-found", None)
    named = [error["field"] for error in problem["errors"]]
    assert named == ["consents.1.leaf", "consents.2.leaf"], "all of them, not the first alone"
    assert counted(world) == before


def test_the_door_refuses_in_the_routes_own_words(world: World, leaves: dict[str, str]) -> None:
    client = world.provider.client
    body = json.dumps({"consents": [{"leaf": leaves["active 0"]}]}).encode()
    plain_text = {"Content-Type": "text/plain"}
    answer = client._http.post("/v1/consents/status", content=body, headers=plain_text)
    assert_problem(answer, 415, "content-type-not-json", "Content-Type")
    chunks = (b" " * 2**20 for _ in range(2))
    kind = {"Content-Type": "application/json"}
    answer = client._http.post("/v1/consents/status", content=chunks, headers=kind)
    assert_problem(answer, 413, "body-too-large", None)
    too_many = {"consents": [{"leaf": leaves["active 0"]}] * 1_001}
    answer = send(client, "POST", "/v1/consents/status", too_many)
    assert_problem(answer, 422, "request-invalid", "consents")
    padded = b" " * 2**19 + body
    answer = client._http.post("/v1/consents/status", content=padded, headers=kind)
    assert answer.json()["consents"][0]["active"] is True


def test_many_at_once_get_each_their_own_answer(world: World, leaves: dict[str, str]) -> None:
    asked = [random.Random(seed).choice(sorted(leaves.values())) for seed in range(200)]
    expected = {leaf: plain(world, [leaf])["consents"] for leaf in set(asked)}
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda leaf: quick(world, [leaf])["consents"], asked))
    assert found == [expected[leaf] for leaf in asked]


def test_the_gate_closes_with_the_promise_of_a_withdrawal(world: World) -> None:
    secret = secrets.token_bytes(32)
    record = world.grant_active(secret)
    leaf = to_hex(leaf_of(record.entry))
    with world.node.held("sender"):
        world.withdraw(record, secret)
        [answer] = quick(world, [leaf])["consents"]
        assert (answer["state"], answer["active"]) == ("withdrawal-pending", False)


def test_another_organisation_and_a_wrong_key_learn_nothing(
    world: World, leaves: dict[str, str]
) -> None:
    body = {"consents": [{"leaf": leaves["active 0"]}]}
    stranger = send(world.operator, "POST", "/v1/consents/status", body)
    assert stranger.status_code in (401, 404)
    wrong = {"Authorization": "Bearer ptx_wrong"}
    url = f"{world.node.url}/v1/consents/status"
    assert_problem(httpx.post(url, json=body, headers=wrong), 401, "key-invalid", None)
