"""Values that must stay where they are given: put into every door, looked for in every sink."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from node.api.app import create_app
from node.backup.postgres_tools import environment_of
from node.embedded.postgres import BINARIES
from node.keys import OPERATOR_KEY, load_or_create_account
from node.secret_files import MASTER_KEY_FILE, PASSPHRASE_FILE
from protocol.entries import leaf_of
from protocol.record import to_json
from protocol.slip import Slip, encode_slip
from tests.stage import Json, World, wait_until

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
    keys = world.node.settings.keys_dir
    account = load_or_create_account(keys, OPERATOR_KEY)
    found = {
        "the master key": (keys / MASTER_KEY_FILE).read_text().strip(),
        "the passphrase": (keys / PASSPHRASE_FILE).read_text().strip(),
        "the operator's signer key": bytes(account.key).hex(),
        "the operator's API key": world.node.settings.api_key_file.read_text().strip(),
    }
    for role, party in world.story.parties.items():
        key = party.client._http.headers["authorization"].removeprefix("Bearer ")
        found[f"the {role}'s API key"] = key
    return {name: value.encode() for name, value in found.items()}


def both_forms(values: dict[str, bytes]) -> dict[str, bytes]:
    """Hexadecimal digits as bytes, too."""
    raw = {}
    for name, value in values.items():
        try:
            raw[f"{name} as bytes"] = bytes.fromhex(value.decode().removeprefix("0x"))
        except ValueError:
            continue
    return {**values, **raw}


def sinks(world: World) -> dict[str, bytes]:
    """Everything that a node writes outside its keys, and what others see of it."""
    settings, state = world.node.settings, world.node.settings.state_dir
    found = {"/metrics": httpx.get(f"{world.node.url}/metrics").content}
    for path in sorted(settings.log_dir.iterdir()):
        found[f"the log {path.name}"] = path.read_bytes()
    private = {settings.api_key_file, settings.keys_dir, state / "postgres", state / "chain.json"}
    for path in sorted(state.rglob("*")):
        if path.is_file() and not private & {path, *path.parents}:
            found[f"the file {path.relative_to(state)}"] = path.read_bytes()
    for entry in world.node.running.processes:
        leader = psutil.Process(entry.pid)
        for process in (leader, *leader.children(recursive=True)):
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            found[f"the command line of {entry.name}, {process.pid}"] = command
    return found


def dump_of(world: World) -> bytes:
    """What whoever steals the database has."""
    done = subprocess.run(
        [str(BINARIES / "pg_dump"), "--schema=node"],
        env=environment_of(world.node.running.database_url),
        capture_output=True,
        check=True,
    )
    return done.stdout


def leaks(values: dict[str, bytes], places: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, value in values.items()
        if value in content or value.upper() in content
    ]


def test_no_canary_sings(world: World, secret: bytes) -> None:
    """Given to every operation, by nobody, by a wrong key and by the operator's."""
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
    wait_until(lambda: "ptx_sender_head_block" in httpx.get(f"{world.node.url}/metrics").text, "it")

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
    }
    assert leaks(everything, sinks(world)) == []
    # The next caller sees nothing of the one before.
    problem = httpx.get(f"{world.node.url}/v1/consents/0x{secrets.token_hex(32)}")
    assert leaks(everything, {"a problem": problem.content}) == []
    sealed = {"a canary": MARK.encode(), **both_forms(secrets_of(world))}
    for name in ("the holder's key", "the blinding", "the slip"):
        sealed[name] = made[name].encode()
    assert leaks(sealed, {"the database": dump_of(world)}) == []


def test_a_canary_that_sings_is_heard(world: World) -> None:
    value = {"the name": b"canary", **both_forms({"the leaf": b"0xca7a"})}
    assert leaks(value, {"a log": b"... canary ...", "another": b"\xca\x7a"}) == [
        "the name in a log",
        "the leaf as bytes in another",
    ]
