"""A learner's session: only keys that have signed its nonce see anything, and only their own."""

from __future__ import annotations

import secrets
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import Response
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from node.api import learner_sessions
from node.api.admission import Admission
from node.api.app import create_app
from node.api.learner_sessions import (
    HOLDERS_MAX,
    SESSION_SECONDS,
    LearnerSession,
    LearnerSessions,
    SessionRefused,
    TooManySessions,
)
from node.api.rate_limits import NETWORK
from node.client import NodeClient
from node.config import Settings
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
    token, _ = sessions.begin("")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + SESSION_SECONDS - 1)
    sessions.get(token)
    monkeypatch.setattr(time, "monotonic", lambda: now + SESSION_SECONDS + 1)
    with pytest.raises(SessionRefused):
        sessions.get(token)


def test_a_session_holds_a_thousand_keys() -> None:
    sessions = LearnerSessions(1)
    token, session = sessions.begin("")
    session.holders.update(HolderAddress(number.to_bytes(20)) for number in range(HOLDERS_MAX))
    secret = secrets.token_bytes(32)
    signature = sign_digest(secret, session_digest(1, session.nonce))
    with pytest.raises(SessionRefused, match="at most"):
        sessions.prove(token, address_of(secret), signature)


def test_an_address_begins_so_many_and_ends_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner_sessions, "SESSIONS_OF_NETWORK_MAX", 3)
    monkeypatch.setattr(learner_sessions, "SESSIONS_MAX", 5)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sessions = LearnerSessions(1)
    begun = [sessions.begin("school")[0] for _ in range(3)]
    with pytest.raises(TooManySessions, match="An address"):
        sessions.begin("school")
    begun += [sessions.begin("home")[0] for _ in range(2)]
    with pytest.raises(TooManySessions, match="The node"):
        sessions.begin("elsewhere")
    for token in begun:
        sessions.get(token)
    monkeypatch.setattr(time, "monotonic", lambda: now + SESSION_SECONDS)
    assert [sessions.begin("school") for _ in range(3)]
    assert dict(sessions._of_network) == {"school": 3}, "what has ended is forgotten"


def test_to_begin_one_looks_at_no_other_that_goes_on() -> None:
    class Watched(LearnerSession):
        looked_at = 0

        def __getattribute__(self, name: str) -> Any:
            if name == "ends_at":
                Watched.looked_at += 1
            return super().__getattribute__(name)

    sessions = LearnerSessions(1)
    for number in range(1_000):
        sessions._sessions[str(number)] = Watched(b"", time.monotonic() + 60, "")
    sessions.begin("")
    assert Watched.looked_at == 1


def test_whoever_begins_too_many_is_told_when_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learner_sessions, "SESSIONS_OF_NETWORK_MAX", 1)
    app = create_app()
    app.state.node = SimpleNamespace(sessions=LearnerSessions(1))
    client = TestClient(app)
    assert client.post("/v1/me/session").status_code == 201
    answer = client.post("/v1/me/session")
    assert_problem(answer, 429, "too-many-sessions", None)
    assert int(answer.headers["retry-after"]) > 0


async def test_the_address_is_the_one_that_requests_are_counted_by() -> None:
    """A proxy that is trusted does not stand for all who come through it."""
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope[NETWORK])
        await Response()(scope, receive, send)

    doors = Admission(app, Settings(trusted_proxies="127.0.0.0/8"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://n") as http:
        for address in ("192.0.2.1", "2001:db8::1"):
            await http.post("/v1/me/session", headers={"X-Forwarded-For": address})
    assert seen == ["192.0.2.1", "2001:db8::/64"]


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
    metrics = world.node.metrics()
    assert token not in metrics
    assert holder not in metrics
