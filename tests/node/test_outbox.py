"""What was promised is shown with all that became of it, to those whom it concerns, and no more is
promised than the chain may take."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from node import outbox
from node.cli import build_app
from node.client import NodeRefused
from node.db import api_engine
from node.outbox import Promise, enqueue
from node.problems import Problem
from node.sending.chain import Reverted
from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.own_chain import OwnDatabase, run_until_idle
from tests.sending.exactly_once import Promised
from tests.sending.fault_chain import FaultChain
from tests.stage import World


def test_an_organisation_sees_its_own_acts_and_no_others(world: World) -> None:
    record = world.grant_active(secrets.token_bytes(32))
    leaf = to_hex(leaf_of(record.entry))
    page = world.provider.client.get("/v1/outbox", limit=100)
    [act] = [act for act in page["items"] if act["subject"] == leaf]
    assert (act["kind"], act["state"], act["attempts"]) == ("anchor", "mined", 1) or (
        act["state"] == "final"
    )
    assert act["transactionHash"] in act["hashes"]
    assert act["blockNumber"] > 0
    assert world.provider.client.get(f"/v1/outbox/{act['actId']}")["subject"] == leaf
    theirs = world.consumer.client.get("/v1/outbox", limit=100)
    assert leaf not in {other["subject"] for other in theirs["items"]}
    with pytest.raises(NodeRefused) as refused:
        world.consumer.client.get(f"/v1/outbox/{act['actId']}")
    assert refused.value.problem["type"] == "/problems/act-not-found"


def test_acts_come_in_pages_and_by_state(world: World) -> None:
    for _ in range(3):
        world.grant_active(secrets.token_bytes(32))
    client = world.provider.client
    whole = client.get("/v1/outbox", limit=100)["items"]
    seen, page = [], client.get("/v1/outbox", limit=2)
    seen += page["items"]
    while page["next"] is not None:
        page = client.get("/v1/outbox", limit=2, before=page["next"])
        seen += page["items"]
    assert [act["actId"] for act in seen][: len(whole)] == [act["actId"] for act in whole]
    assert len({act["actId"] for act in seen}) == len(seen) >= len(whole) >= 3
    assert [act["actId"] for act in whole] == sorted((act["actId"] for act in whole), reverse=True)
    for state in ("waiting", "failed", "expired"):
        states = {act["state"] for act in client.get("/v1/outbox", state=state)["items"]}
        assert states <= {state}


def promise(database: OwnDatabase, organisation: bytes | None, count: int = 1) -> None:
    """As a command of the API does."""

    async def run() -> None:
        engine = api_engine(database.url)
        async with engine.begin() as connection:
            if organisation is not None:
                await connection.execute(
                    text("SELECT set_config('ptx.organisation', :value, true)"),
                    {"value": organisation.hex()},
                )
            promises = [Promise(secrets.token_bytes(32), {}) for _ in range(count)]
            await enqueue(
                connection, "anchor" if organisation else "withdraw", promises, organisation
            )
        await engine.dispose()

    asyncio.run(run())


def test_no_more_is_promised_than_the_chain_may_take(
    own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "WAITING_MAX", 5)
    operator = own_database.chain.operator
    promise(own_database, operator, 4)
    promise(own_database, operator)
    with pytest.raises(Problem) as refused:
        promise(own_database, operator)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "30")
    promise(own_database, None)
    assert len(own_database.states()) == 6


def test_old_acts_that_are_done_leave_room_for_new_ones(
    own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Identifiers grow for ever; what counts is what waits."""
    monkeypatch.setattr(outbox, "WAITING_MAX", 5)
    operator = own_database.chain.operator
    own_database.sql(
        "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, state)"
        " SELECT :operator, 'anchor', n::text::bytea, n::text::bytea, '{}',"
        " CASE n WHEN 1 THEN 'waiting' ELSE 'final' END FROM generate_series(1, 50) AS n",
        operator=operator,
    )
    promise(own_database, operator, 4)
    with pytest.raises(Problem, match="5 acts"):
        promise(own_database, operator)


# -- the command line ------------------------------------------------------------------------------


def command(database: OwnDatabase, *words: str) -> Any:
    environment = {
        "DATABASE_URL": database.url,
        "CHAIN_URL": database.chain.settings.chain_url,
        "PTX_STATE_DIR": str(database.chain.settings.state_dir),
    }
    return CliRunner().invoke(build_app(words), list(words), env=environment)


def shown(database: OwnDatabase, *words: str) -> Any:
    done = command(database, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_operator_sees_why_an_act_failed_and_tries_it_again(own_database: OwnDatabase) -> None:
    stranger = b"\x01" * 20
    own_database.promise("anchor", secrets.token_bytes(32), {}, stranger)
    run_until_idle(own_database.sender())
    own_database.promise_anchor()
    [newest, oldest] = shown(own_database, "outbox", "list")
    assert (newest["state"], oldest["state"]) == ("waiting", "failed")
    assert oldest["failure"]["name"] == "NotAuthorised"
    assert shown(own_database, "outbox", "list", "--state", "failed") == [oldest]
    listed = command(own_database, "outbox", "list").stdout
    assert "NotAuthorised" in listed
    number = str(oldest["actId"])
    explained = command(own_database, "outbox", "explain", number).stdout
    assert f"for          {to_hex(stranger)}" in explained
    assert oldest["failure"]["detail"].split(".")[0] in explained
    assert oldest["failure"]["remedy"] in explained
    assert command(own_database, "outbox", "retry", number).exit_code == 0
    again = shown(own_database, "outbox", "explain", number)
    assert (again["state"], again["attempts"], again["failure"]) == ("waiting", 0, None)
    run_until_idle(own_database.sender())
    assert shown(own_database, "outbox", "explain", number)["state"] == "failed"


def test_what_is_on_its_way_or_done_is_not_tried_again(own_database: OwnDatabase) -> None:
    own_database.promise_anchor()
    run_until_idle(own_database.sender())
    [act] = shown(own_database, "outbox", "list")
    explained = command(own_database, "outbox", "explain", str(act["actId"])).stdout
    assert f"transaction  {act['transactionHash']}, in block {act['blockNumber']}" in explained
    assert "effect       in a block, and effective" in explained
    done = command(own_database, "outbox", "retry", str(act["actId"]))
    assert (done.exit_code, "is mined" in done.stderr) == (1, True)
    unknown = command(own_database, "outbox", "explain", "999999")
    assert (unknown.exit_code, "no act 999999" in unknown.stderr) == (1, True)
    state = command(own_database, "outbox", "list", "--state", "lost")
    assert (state.exit_code, "no state lost" in state.stderr) == (1, True)


def refusing_all(database: OwnDatabase) -> FaultChain:
    """The chain as it would be if its contracts took nothing."""
    reverted = Reverted("execution reverted", "0x")

    def refuse(*_arguments: object) -> None:
        raise reverted

    hooks = {"estimate": refuse, "refusal": lambda *_arguments: reverted}
    return FaultChain(database.chain.reader(), before=hooks)


def test_what_was_promised_anew_is_not_tried_again(own_database: OwnDatabase) -> None:
    promised = Promised.on(own_database)
    leaf = promised.anchor()
    run_until_idle(own_database.sender(refusing_all(own_database)))
    own_database.promise_anchor(leaf)
    assert own_database.states() == ["failed", "waiting"]
    for state in ("waiting", "mined"):
        done = command(own_database, "outbox", "retry", "1")
        assert done.exit_code == 1
        assert f"promised anew as act 2, which is {state}" in done.stderr
        run_until_idle(own_database.sender())
    assert own_database.states() == ["failed", "mined"]
    assert promised.anchor_counts()[leaf] == 1


def test_of_two_that_failed_one_is_tried_again(own_database: OwnDatabase) -> None:
    promised = Promised.on(own_database)
    leaf = promised.anchor()
    own_database.promise_anchor(leaf)
    run_until_idle(own_database.sender(refusing_all(own_database)))
    assert own_database.states() == ["failed", "failed"]
    assert command(own_database, "outbox", "retry", "1").exit_code == 0
    assert "as act 1, which is waiting" in command(own_database, "outbox", "retry", "2").stderr
    run_until_idle(own_database.sender())
    assert own_database.states() == ["mined", "failed"]
    assert promised.anchor_counts()[leaf] == 1


def test_another_partys_signature_is_tried_again(own_database: OwnDatabase) -> None:
    """Several sign one agreement: the signature of one is not in the place of another's."""
    for party in ("first", "second"):
        own_database.promise("sign", b"agreement", {"organisation": party})
    own_database.sql("UPDATE node.outbox SET state = 'failed' WHERE outbox_id = 1")
    own_database.sql("UPDATE node.outbox SET state = 'mined' WHERE outbox_id = 2")
    assert command(own_database, "outbox", "retry", "1").exit_code == 0
    assert own_database.states() == ["waiting", "mined"]
