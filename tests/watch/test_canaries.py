"""Values that must stay where they are given: put into every door, looked for in every sink."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from node.api.app import create_app
from protocol.entries import leaf_of
from protocol.record import to_json
from protocol.slip import Slip, encode_slip
from tests.stage import Json, World, wait_until
from tests.watch.sinks import api_key_of, both_forms, dump_of, keys_of, leaks, received, sinks
from tests.webhook_receiver import Receiver, open_receiver

MARK = "canary7f3a"
HEX = "ca7a" * 16
GIVEN = {
    "a subject reference": f"{MARK}-subject",
    "a name": f"{MARK} Durand",
    "an e-mail address": f"{MARK}@example.org",
    "a DID": f"did:web:{MARK}.example",
    "a leaf": f"0x{HEX}",
    "an address": f"0x{HEX[:40]}",
    "a signature": f"0x{HEX}{HEX}ca",
    "a token": f"ptxs_{MARK}",
    "an IP address": "203.0.113.77",
}
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str, Json]]:
    description = create_app().openapi()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, {**operation, "schemas": description["components"]["schemas"]}


def bodies(operation: Json, value: str) -> Iterator[Any]:
    """One of the operation's own shape with the value in each field, and one of none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    properties = operation["schemas"].get(name, {}).get("properties", {})
    yield dict.fromkeys(properties, value)
    yield {field: [{value: value}] for field in properties}
    yield {value: value}


def ask_everything(url: str, authorization: str) -> int:
    count = 0
    with httpx.Client(base_url=url, timeout=30) as http:
        for path, method, operation in operations():
            parameters = operation.get("parameters", [])
            for value in GIVEN.values():
                asked, query = path, {}
                headers = {
                    "Authorization": authorization,
                    "X-Forwarded-For": GIVEN["an IP address"],
                    "User-Agent": MARK,
                }
                for parameter in parameters:
                    place, name = parameter["in"], parameter["name"]
                    if place == "path":
                        asked = asked.replace(f"{{{name}}}", value.replace("/", ""))
                    elif place == "query":
                        query[name] = value
                    elif place == "header":
                        headers[name] = value
                for body in [*bodies(operation, value)] or [None]:
                    http.request(method, asked, params=query, headers=headers, json=body)
                    count += 1
    return count


def secrets_of(world: World) -> dict[str, bytes]:
    """What the node's own keys and its callers' are, as they would be written."""
    found = keys_of(world.node)
    for role, party in world.story.parties.items():
        found[f"the {role}'s API key"] = api_key_of(party.client)
    return found


@pytest.fixture
def receiver(world: World) -> Iterator[Receiver]:
    """Of webhooks; no other is registered, before and after."""
    world.node.sql("DELETE FROM node.webhooks")
    with open_receiver() as opened:
        yield opened
    world.node.sql("DELETE FROM node.webhooks")


def test_no_canary_sings(world: World, secret: bytes, receiver: Receiver) -> None:
    """Given to every operation, by nobody, by a wrong key and by the operator's."""
    hook = {"url": receiver.url, "includeUnfinal": True}
    hook_secret = world.consumer.client.post("/v1/webhooks", hook)["secret"]
    record = world.grant_active(secret, group_id=f"{MARK}-group")
    withdrawal = world.withdrawal_of(record, secret)
    signature = bytes.fromhex(withdrawal["signature"][2:])
    slip = encode_slip(Slip(record.chain_id, record.registry, record.entry, signature))
    operator = world.operator._http.headers["authorization"]
    for authorization in (f"Bearer ptx_{MARK}", operator):
        assert ask_everything(world.node.url, authorization) > 200
    refused = httpx.post(
        f"{world.node.url}/v1/withdrawals",
        json={"entry": withdrawal["entry"], "signature": f"0x{HEX}{HEX}1c"},
    )
    assert refused.status_code == 422
    world.withdraw(record, secret)
    world.wait_for_state(record, "withdrawn")
    wait_until(lambda: "ptx_sender_head_block" in world.node.metrics(), "it")
    wait_until(lambda: b"ConsentEnded" in received(receiver), "the ending at the receiver")

    made = {
        "the leaf": leaf_of(record.entry).hex(),
        "the holder": record.entry.holder.hex(),
        "the holder's key": secret.hex(),
        "the blinding": to_json(record)["blinding"][2:],
        "the withdrawal's signature": signature.hex(),
        "the slip": slip.hex(),
    }
    canaries = {
        "a canary": MARK.encode(),
        "canary digits": HEX[:24].encode(),
        "the IP address": GIVEN["an IP address"].encode(),
    }
    everything = {
        **canaries,
        **both_forms({name: value.encode() for name, value in made.items()}),
        **both_forms(secrets_of(world)),
        "the webhook's secret": hook_secret.removeprefix("whsec_").encode(),
    }
    assert leaks(everything, sinks(world.node)) == []
    # The next caller sees nothing of the one before.
    problem = httpx.get(f"{world.node.url}/v1/consents/0x{secrets.token_hex(32)}")
    assert leaks(everything, {"a problem": problem.content}) == []
    # A receiver gets the chain's events, with leaf and holder; all else is none of its business.
    on_chain = both_forms(dict.fromkeys(("the leaf", "the holder"), b""))
    untold = {name: value for name, value in everything.items() if name not in on_chain}
    assert "the holder's key as bytes" in untold
    assert leaks(untold, {"a webhook's receiver": received(receiver)}) == []
    assert leaks({"the leaf": made["the leaf"].encode()}, {"it": received(receiver)}) != []
    sealed = {"a canary": MARK.encode(), **both_forms(secrets_of(world))}
    for name in ("the holder's key", "the blinding", "the slip"):
        sealed[name] = made[name].encode()
    sealed["the webhook's secret"] = everything["the webhook's secret"]
    assert leaks(sealed, {"the database": dump_of(world.node)}) == []


def test_a_canary_that_sings_is_heard(world: World) -> None:
    value = {"the name": b"canary", **both_forms({"the leaf": b"0xca7a"})}
    assert leaks(value, {"a log": b"... canary ...", "another": b"\xca\x7a"}) == [
        "the name in a log",
        "the leaf as bytes in another",
    ]
