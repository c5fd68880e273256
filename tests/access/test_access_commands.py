"""`ptx-ledger key`, `person` and `organisation`: secrets go into private files or out once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from node.client import NodeClient
from node.governance import execute_through_timelock
from node.preparation import prove_possession
from protocol.identifiers import organisation_id
from protocol.types import Role, to_hex
from tests.access.signing import new_account, session_of
from tests.node.test_command_line import CommandLine, key_of
from tests.refusals import send
from tests.stage import World


@pytest.fixture
def run(world: World) -> CommandLine:
    return CommandLine(world)


def test_a_key_from_its_making_to_its_end(run: CommandLine, world: World, tmp_path: Path) -> None:
    own, file = key_of(world.provider.client), tmp_path / "key"
    made = run("key", "create", "nightly import", "--area", "consents", "--output", file, key=own)
    assert made.status == 0, made.err
    key = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert key not in made.out + made.err
    [shown] = [
        each
        for each in run.here("key", "list", "--json", key=own).json()["items"]
        if each["label"] == "nightly import"
    ]
    assert (shown["role"], shown["areas"]) == ("operator", ["consents"])
    told = run.here("key", "list", key=own)
    assert "nightly import" in told.out
    assert key not in told.out
    rotated = run.here(
        *("key", "rotate", shown["keyId"], "--overlap-seconds", "0", "--days", "30"), key=own
    )
    successor = rotated.out.strip()
    assert re.fullmatch(r"ptx_[\w-]{43}", successor), "alone on its line, once"
    assert send(NodeClient(world.node.url, key), "GET", "/v1/session").status_code == 401
    me = NodeClient(world.node.url, successor)
    assert me.get("/v1/session")["rights"] == ["consents:read", "consents:write"]
    [left] = [
        each
        for each in run.here("key", "list", "--json", key=own).json()["items"]
        if each["label"] == "nightly import"
    ]
    assert run.here("key", "revoke", left["keyId"], key=own).status == 0
    assert send(me, "GET", "/v1/session").status_code == 401
    again = run.here("key", "revoke", left["keyId"], key=own)
    assert again.status == 1
    assert "GET /v1/api-keys" in again.err


def test_a_file_that_is_there_is_not_written_over(
    run: CommandLine, world: World, tmp_path: Path
) -> None:
    own, file = key_of(world.provider.client), tmp_path / "key"
    file.write_text("another secret")
    refused = run.here("key", "create", "never made", "--output", file, key=own)
    assert refused.status == 1
    assert file.read_text() == "another secret"
    assert "never made" not in run.here("key", "list", key=own).out


def test_a_person_is_invited_changed_and_removed(
    run: CommandLine, world: World, tmp_path: Path
) -> None:
    own, file = key_of(world.provider.client), tmp_path / "invitation"
    assert run.here("person", "invite", "Ana", "--output", file, key=own).status == 0
    link = file.read_text().strip()
    assert link.startswith(f"{world.node.settings.public_address}/organisation/sign-in#")
    opened, client = session_of(world, new_account(), invitation=link.partition("#")[2])
    person = opened["personId"]
    assert person in run.here("person", "list", key=own).out
    run.here("person", "role", person, "auditor", "--area", "usage", key=own)
    assert client.get("/v1/session")["rights"] == ["usage:read"]
    assert run.here("person", "remove", person, key=own).status == 0
    assert send(client, "GET", "/v1/session").status_code == 401
    items = run.here("person", "list", "--json", key=own).json()["items"]
    assert person not in [each["personId"] for each in items]


def test_the_operator_hosts_a_further_organisation(
    run: CommandLine, world: World, tmp_path: Path
) -> None:
    did, account, stage = "did:web:further.example", new_account(), world.story.stage
    unknown = run.here("organisation", "host", did, "--name", "Further")
    assert unknown.status == 1
    admit = world.contract("ParticipantRegistry").functions.admit(
        did,
        int(Role.CONSUMER),
        1,
        account.address,
        prove_possession(account, organisation_id(did), stage.deployment),
    )
    _, executed = execute_through_timelock(stage.governance, stage.deployment, admit)
    world.wait_for_block(executed.block_number)
    file = tmp_path / "first-key"
    hosted = run.here("organisation", "host", did, "--name", "Further", "--output", file)
    assert hosted.status == 0, hosted.err
    assert to_hex(organisation_id(did)) in hosted.out
    me = NodeClient(world.node.url, file.read_text().strip()).get("/v1/session")
    assert (me["organisationId"], me["role"]) == (to_hex(organisation_id(did)), "admin")
    assert run.here("organisation", "host", did, "--name", "Further").status == 1
    refused = run.here(
        "organisation", "host", did, "--name", "x", key=key_of(world.provider.client)
    )
    assert "operator" in refused.err
