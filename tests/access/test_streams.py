"""A stream of events does not outlive the right to read it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from web3 import Web3

from node.client import NodeClient
from protocol.did_document import did_document_hash, make_did_document
from protocol.types import to_hex
from tests.access.callers import make_key
from tests.access.signing import new_account, session_of
from tests.records.signed_tokens import Jwk, claims_of, new_key, public, signed
from tests.stage import DEADLINE_SECONDS, Json, World, wait_until

Taken = tuple[NodeClient, Callable[[], object]]


def revoked(world: World) -> Taken:
    made = make_key(world.provider.client, "auditor")
    path = f"/v1/api-keys/{made['keyId']}"
    return NodeClient(world.node.url, made["apiKey"]), lambda: world.provider.client.delete(path)


def rotated(world: World) -> Taken:
    made = make_key(world.provider.client, "auditor")
    path, body = f"/v1/api-keys/{made['keyId']}/rotate", {"overlapSeconds": 0}
    client = NodeClient(world.node.url, made["apiKey"])
    return client, lambda: world.provider.client.post(path, body)


def removed(world: World) -> Taken:
    invited = world.provider.client.post("/v1/people", {"label": "reader", "role": "auditor"})
    _, client = session_of(world, new_account(), invitation=invited["invitation"])
    return client, lambda: world.provider.client.delete(f"/v1/people/{invited['personId']}")


def limited(world: World) -> Taken:
    invited = world.provider.client.post("/v1/people", {"label": "reader", "role": "auditor"})
    _, client = session_of(world, new_account(), invitation=invited["invitation"])
    path, body = f"/v1/people/{invited['personId']}/role", {"role": "auditor", "areas": ["usage"]}
    return client, lambda: world.provider.client.put(path, body)


def expired(world: World, staying: Jwk) -> Taken:
    """A token signs for seconds; nobody has to take it away."""
    return by_token(world, staying, exp=int(time.time()) + 3), lambda: None


def left_the_document(world: World, staying: Jwk, leaving: Jwk) -> Taken:
    """As `ptx-ledger did rotate --alone` makes a key leave."""
    return by_token(world, leaving), lambda: publish(world, staying)


def by_token(world: World, key: Jwk, **changes: int) -> NodeClient:
    did = world.provider.did
    return NodeClient(world.node.url, signed(did, key, claims_of(did, world.node.url, **changes)))


def publish(world: World, *keys: Jwk) -> None:
    """A DID document of the provider with these keys, as soon as the index names it."""
    document = make_did_document(world.provider.did, [public(key) for key in keys])
    world.provider.client.post("/v1/did-documents", {"document": document})
    describe(world, did_document_hash(document))


def describe(world: World, document_hash: bytes) -> None:
    registry, provider = world.contract("ParticipantRegistry"), world.provider
    own = Web3.to_checksum_address(provider.id)
    address = shown(world)["serviceAddress"] or ""
    provider.wallet.call(registry.functions.describe(own, address, document_hash))
    named = to_hex(document_hash) if any(document_hash) else None
    wait_until(lambda: shown(world)["didDocumentHash"] == named, "the document in the index")


def shown(world: World) -> Json:
    answer: Json = world.operator.get(f"/v1/participants/{to_hex(world.provider.id)}")
    return answer


@pytest.fixture
def keys(world: World) -> Iterator[tuple[Jwk, Jwk]]:
    """Two of the provider's DID document, which is as it was afterwards."""
    before = shown(world)["didDocumentHash"]
    made = new_key(), new_key()
    publish(world, *made)
    yield made
    describe(world, bytes(32) if before is None else bytes.fromhex(before[2:]))


def test_a_stream_ends_with_the_right_to_read_it(world: World, keys: tuple[Jwk, Jwk]) -> None:
    """All at the same time, since a stream without events looks up every few seconds."""
    headers = {"Accept": "text/event-stream"}
    deadline = time.monotonic() + DEADLINE_SECONDS
    ways = {each.__name__: each for each in (revoked, rotated, removed, limited)}
    ways |= {
        "left the document": lambda world: left_the_document(world, *keys),
        "expired": lambda world: expired(world, keys[0]),
    }
    with ExitStack() as opened:
        streams = []
        for name, taken in ways.items():
            client, take_away = taken(world)
            answer = client._http.stream("GET", "/v1/events", headers=headers)
            lines = opened.enter_context(answer).iter_lines()
            assert "following" in next(lines)
            streams.append((name, lines, take_away))
        for _, _, take_away in streams:
            take_away()
        for name, lines, _ in streams:
            for _ in lines:
                assert time.monotonic() < deadline, f"{name}: the stream goes on"
