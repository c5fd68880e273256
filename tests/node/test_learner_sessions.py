"""A learner's session: only keys that have signed its nonce see anything, and only their own."""

from __future__ import annotations

import secrets
import time

import httpx
import pytest

from node.api.learner_sessions import (
    HOLDERS_MAX,
    SESSION_SECONDS,
    LearnerSessions,
    SessionRefused,
)
from node.client import NodeClient
from protocol.entries import encode_entry, leaf_of
from protocol.holder_keys import address_of, session_digest
from protocol.signatures import sign_digest
from protocol.types import HolderAddress, to_hex
from tests.refusals import assert_problem, send
from tests.stage import Json, World


def begin(world: World) -> tuple[NodeClient, bytes]:
    answer = httpx.post(f"{world.node.url}/v1/me/session")
    assert answer.status_code == 201
    session = answer.json()
    assert session["seconds"] == SESSION_SECONDS
    return NodeClient(world.node.url, session["token"]), bytes.fromhex(session["nonce"][2:])


def proof_of(world: World, secret: bytes, nonce: bytes) -> Json:
    signature = sign_digest(secret, session_digest(world.chain_id, nonce))
    return {"holder": to_hex(address_of(secret)), "signature": to_hex(signature)}


def test_a_learner_sees_the_consents_of_proven_keys_alone(world: World) -> None:
    mine, theirs, unused = (secrets.token_bytes(32) for _ in range(3))
    record, other = world.grant_active(mine), world.grant_active(theirs)
    learner, nonce = begin(world)
    assert learner.get("/v1/me/consents")["consents"] == []
    holders = [proof_of(world, key, nonce) for key in (mine, unused)]
    assert learner.post("/v1/me/holders", {"holders": holders}) == {"known": [True, False]}
    [held] = learner.get("/v1/me/consents")["consents"]
    assert held["status"]["leaf"] == to_hex(leaf_of(record.entry))
    assert held["status"]["active"]
    assert held["entry"] == to_hex(encode_entry(record.entry))
    assert held["issuerDid"] == world.provider.did
    assert held["document"]["recipients"] == [world.consumer.did]
    assert to_hex(leaf_of(other.entry)) not in str(learner.get("/v1/me/consents"))


def test_two_sessions_share_nothing(world: World, secret: bytes) -> None:
    world.grant_active(secret)
    first, nonce = begin(world)
    second, other_nonce = begin(world)
    assert nonce != other_nonce
    proof = {"holders": [proof_of(world, secret, nonce)]}
    first.post("/v1/me/holders", proof)
    assert second.get("/v1/me/consents")["consents"] == []
    answer = send(second, "POST", "/v1/me/holders", proof)
    assert_problem(answer, 401, "session-refused", None)


def test_a_signature_by_another_key_proves_nothing(world: World, secret: bytes) -> None:
    world.grant_active(secret)
    learner, nonce = begin(world)
    proof = proof_of(world, secret, nonce)
    stranger = proof_of(world, secrets.token_bytes(32), nonce)
    forged = {**proof, "signature": stranger["signature"]}
    for wrong in (forged, {**proof, "signature": "0x" + "00" * 65}):
        answer = send(learner, "POST", "/v1/me/holders", {"holders": [wrong]})
        assert_problem(answer, 401, "session-refused", None)
    assert learner.get("/v1/me/consents")["consents"] == []


@pytest.mark.parametrize("token", [None, "nobody", "ptx_" + "A" * 43])
def test_an_unknown_token_opens_nothing(world: World, token: str | None) -> None:
    caller = NodeClient(world.node.url, token)
    assert_problem(send(caller, "GET", "/v1/me/consents"), 401, "session-refused", None)
    proof = {"holder": "0x" + "11" * 20, "signature": "0x" + "11" * 65}
    answer = send(caller, "POST", "/v1/me/holders", {"holders": [proof]})
    assert_problem(answer, 401, "session-refused", None)


def test_an_organisations_key_is_no_session_and_a_session_is_no_key(world: World) -> None:
    answer = send(world.consumer.client, "GET", "/v1/me/consents")
    assert_problem(answer, 401, "session-refused", None)
    learner, _ = begin(world)
    question = {"consents": [{"leaf": "0x" + "00" * 32}]}
    assert_problem(send(learner, "POST", "/v1/consents/status", question), 401, "key-invalid", None)


@pytest.mark.parametrize("count", [0, 101])
def test_1_to_100_keys_are_proven_at_once(world: World, count: int) -> None:
    learner, nonce = begin(world)
    proof = proof_of(world, secrets.token_bytes(32), nonce)
    answer = send(learner, "POST", "/v1/me/holders", {"holders": [proof] * count})
    assert_problem(answer, 422, "request-invalid", "holders")


def test_a_session_ends_after_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = LearnerSessions(1)
    token, _ = sessions.begin()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + SESSION_SECONDS - 1)
    sessions.get(token)
    monkeypatch.setattr(time, "monotonic", lambda: now + SESSION_SECONDS + 1)
    with pytest.raises(SessionRefused):
        sessions.get(token)


def test_a_session_holds_a_thousand_keys() -> None:
    sessions = LearnerSessions(1)
    token, session = sessions.begin()
    session.holders.update(HolderAddress(number.to_bytes(20)) for number in range(HOLDERS_MAX))
    secret = secrets.token_bytes(32)
    signature = sign_digest(secret, session_digest(1, session.nonce))
    with pytest.raises(SessionRefused, match="at most"):
        sessions.prove(token, address_of(secret), signature)


def test_no_table_or_log_knows_a_session(world: World, secret: bytes) -> None:
    world.grant_active(secret)
    learner, nonce = begin(world)
    learner.post("/v1/me/holders", {"holders": [proof_of(world, secret, nonce)]})
    learner.get("/v1/me/consents")
    token = learner._http.headers["authorization"].removeprefix("Bearer ")
    holder = address_of(secret).hex()
    for log in world.node.settings.log_dir.glob("*.log"):
        written = log.read_text(errors="replace")
        for hidden in (token, nonce.hex(), holder):
            assert hidden not in written, log
    metrics = httpx.get(f"{world.node.url}/metrics").text
    assert token not in metrics
    assert holder not in metrics
