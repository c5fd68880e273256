"""Passkeys: registered on an invitation, then the way in; each check of WebAuthn broken alone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from node.client import NodeClient
from tests.access.authenticator import ATTESTED, USER_PRESENT, Authenticator, base64url
from tests.access.signing import HTTP
from tests.refusals import assert_problem, send
from tests.stage import Json, World


def post(world: World, path: str, body: Any = None) -> httpx.Response:
    return HTTP.post(f"{world.node.url}/v1/sign-in/passkey{path}", json=body)


def invite(world: World, role: str = "operator") -> Json:
    body = {"label": "the office in Nantes", "role": role}
    invited: Json = world.provider.client.post("/v1/people", body)
    return invited


def fresh(world: World) -> Authenticator:
    return Authenticator(world.node.url, "127.0.0.1")


def challenge_to_register(world: World, invitation: str) -> Json:
    answer = post(world, "/registration-challenge", {"invitation": invitation})
    assert answer.status_code == 201, answer.text
    options: Json = answer.json()
    return options


def challenge(world: World) -> str:
    answer = post(world, "/challenge")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["challenge"])


def register(world: World, authenticator: Authenticator, invitation: str) -> httpx.Response:
    options = challenge_to_register(world, invitation)
    credential = authenticator.register(options["challenge"])
    return post(world, "/registration", {"invitation": invitation, "credential": credential})


def sign_in(world: World, authenticator: Authenticator) -> httpx.Response:
    return post(world, "", {"credential": authenticator.answer(challenge(world))})


@pytest.fixture
def joined(world: World) -> Authenticator:
    """An authenticator whose owner has joined."""
    authenticator = fresh(world)
    answer = register(world, authenticator, invite(world)["invitation"])
    assert answer.status_code == 201, answer.text
    return authenticator


def sessions(world: World) -> int:
    [row] = world.node.sql("SELECT count(*) AS count FROM node.person_sessions")
    return int(row.count)


def test_an_invited_person_joins_with_a_passkey_and_signs_in_again(world: World) -> None:
    invited = invite(world)
    options = challenge_to_register(world, invited["invitation"])
    assert options["rp"]["id"] == "127.0.0.1"
    assert options["user"]["displayName"] == "the office in Nantes"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    authenticator = fresh(world)
    answer = register(world, authenticator, invited["invitation"])
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    assert opened["personId"] == invited["personId"]
    assert NodeClient(world.node.url, opened["token"]).get("/v1/session")["role"] == "operator"
    again = sign_in(world, authenticator)
    assert again.status_code == 201, again.text
    client = NodeClient(world.node.url, again.json()["token"])
    assert client.get("/v1/session")["personId"] == invited["personId"]
    assert_problem(send(client, "GET", "/v1/api-keys"), 403, "role-missing", None)
    [person] = [
        each
        for each in world.provider.client.get("/v1/people")["items"]
        if each["personId"] == invited["personId"]
    ]
    assert (person["state"], person["label"]) == ("joined", "the office in Nantes")
    world.provider.client.delete(f"/v1/people/{invited['personId']}")
    assert_problem(send(client, "GET", "/v1/session"), 401, "session-ended", None)
    assert_problem(sign_in(world, authenticator), 401, "sign-in-refused", "credential")


def client_data(credential: Json, text: bytes) -> Json:
    return {**credential, "response": {**credential["response"], "clientDataJSON": base64url(text)}}


def flipped(credential: Json, name: str) -> Json:
    value = credential["response"][name]
    raw = bytearray(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    raw[-1] ^= 1
    return {**credential, "response": {**credential["response"], name: base64url(bytes(raw))}}


Wrong = Callable[[Authenticator, str], Json]
ANSWERS: dict[str, Wrong] = {
    "another origin": lambda a, c: replace(a, origin="https://evil.example").answer(c),
    "the origin on another port": lambda a, c: replace(a, origin="http://127.0.0.1:1").answer(c),
    "another scheme": lambda a, c: replace(a, origin=a.origin.replace("http", "https")).answer(c),
    "another relying party": lambda a, c: replace(a, rp_id="evil.example").answer(c),
    "another challenge": lambda a, c: a.answer(base64url(b"\x07" * 32)),
    "no challenge": lambda a, c: a.answer(""),
    "no user verification": lambda a, c: replace(a, flags=USER_PRESENT).answer(c),
    "no user": lambda a, c: replace(a, flags=0).answer(c),
    "the kind of a registration": lambda a, c: a.answer(c, "webauthn.create"),
    "another key": lambda a, c: replace(a, key=ec.generate_private_key(ec.SECP256R1())).answer(c),
    "another passkey's id": lambda a, c: replace(a, credential_id=bytes(32)).answer(c),
    "a counter that stands still": lambda a, c: replace(a, step=0).answer(c),
    "a counter that falls": lambda a, c: replace(a, sign_count=1, step=0).answer(c),
    "data changed after signing": lambda a, c: flipped(a.answer(c), "authenticatorData"),
    "a signature changed": lambda a, c: flipped(a.answer(c), "signature"),
    "no client data": lambda a, c: client_data(a.answer(c), b"nothing"),
    "client data that is a list": lambda a, c: client_data(a.answer(c), b"[]"),
}


@pytest.mark.parametrize("wrong", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_with_one_thing_wrong_opens_nothing(
    world: World, joined: Authenticator, wrong: Wrong
) -> None:
    for _ in range(3):
        assert sign_in(world, joined).status_code == 201
    before, counted = sessions(world), joined.sign_count
    answer = post(world, "", {"credential": wrong(joined, challenge(world))})
    assert_problem(answer, 401, "sign-in-refused", "credential")
    assert sessions(world) == before
    joined.sign_count = counted
    assert sign_in(world, joined).status_code == 201


def test_an_answer_serves_once(world: World, joined: Authenticator) -> None:
    credential = joined.answer(challenge(world))
    assert post(world, "", {"credential": credential}).status_code == 201
    again = post(world, "", {"credential": credential})
    assert_problem(again, 401, "sign-in-refused", "credential")
    assert "not open" in again.json()["detail"]


def test_a_challenge_ends(world: World, joined: Authenticator) -> None:
    credential = joined.answer(challenge(world))
    world.node.sql("UPDATE node.challenges SET expires_at = now() - interval '1 second'")
    answer = post(world, "", {"credential": credential})
    assert_problem(answer, 401, "sign-in-refused", "credential")


def test_the_copy_of_a_passkey_is_found_by_its_counter(world: World, joined: Authenticator) -> None:
    copy = replace(joined)
    assert sign_in(world, joined).status_code == 201
    assert sign_in(world, joined).status_code == 201
    answer = sign_in(world, copy)
    assert_problem(answer, 401, "sign-in-refused", "credential")


def test_a_passkey_that_does_not_count_signs_in_as_often_as_it_likes(world: World) -> None:
    authenticator = replace(fresh(world), step=0)
    assert register(world, authenticator, invite(world)["invitation"]).status_code == 201
    for _ in range(3):
        assert sign_in(world, authenticator).status_code == 201


REGISTRATIONS: dict[str, Wrong] = {
    "another origin": lambda a, c: replace(a, origin="https://evil.example").register(c),
    "another relying party": lambda a, c: replace(a, rp_id="evil.example").register(c),
    "another challenge": lambda a, c: a.register(base64url(b"\x07" * 32)),
    "no user verification": lambda a, c: replace(a, flags=USER_PRESENT).register(c),
    "no user": lambda a, c: replace(a, flags=ATTESTED).register(c),
    "the kind of a sign-in": lambda a, c: a.register(c, "webauthn.get"),
    "an attestation that is none": lambda a, c: flipped(a.register(c), "attestationObject"),
}


@pytest.mark.parametrize("wrong", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_a_registration_with_one_thing_wrong_uses_no_invitation_up(
    world: World, wrong: Wrong
) -> None:
    invitation = invite(world)["invitation"]
    authenticator = fresh(world)
    asked = challenge_to_register(world, invitation)["challenge"]
    body = {"invitation": invitation, "credential": wrong(authenticator, asked)}
    assert_problem(post(world, "/registration", body), 401, "sign-in-refused", "credential")
    assert register(world, authenticator, invitation).status_code == 201
    again = post(world, "/registration-challenge", {"invitation": invitation})
    assert_problem(again, 401, "invitation-refused", None)


def test_a_challenge_to_register_is_of_one_invitation(world: World) -> None:
    mine, other = invite(world)["invitation"], invite(world)["invitation"]
    credential = fresh(world).register(challenge_to_register(world, other)["challenge"])
    answer = post(world, "/registration", {"invitation": mine, "credential": credential})
    assert_problem(answer, 401, "sign-in-refused", "credential")
    signing_in = fresh(world).register(challenge(world))
    answer = post(world, "/registration", {"invitation": mine, "credential": signing_in})
    assert_problem(answer, 401, "sign-in-refused", "credential")


def test_one_passkey_is_of_one_person(world: World, joined: Authenticator) -> None:
    answer = register(world, joined, invite(world)["invitation"])
    assert_problem(answer, 409, "person-known", None)
