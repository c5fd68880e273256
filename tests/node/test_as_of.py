"""Was this consent active then, and how do we know?"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from protocol.entries import leaf_of
from protocol.record import Record
from protocol.types import to_hex
from tests.refusals import assert_problem, send
from tests.stage import Json, World, wait_until

Ask = Callable[[int], Json]


@pytest.fixture
def withdrawn(world: World) -> tuple[Record, Ask]:
    """A consent that was withdrawn, and what asks where it stood."""
    secret = secrets.token_bytes(32)
    record = world.grant_active(secret)
    world.withdraw(record, secret)
    world.wait_for_state(record, "withdrawn")
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}"
    return record, lambda at: world.provider.client.get(path, at=at)


def test_where_a_consent_stood_at_any_time(withdrawn: tuple[Record, Ask], world: World) -> None:
    record, ask = withdrawn
    now = world.provider.client.get(f"/v1/consents/{to_hex(leaf_of(record.entry))}")
    anchored_at, ended_at = now["anchoring"]["anchoredAt"], now["status"]["endedAt"]
    assert now["at"] is None
    assert anchored_at <= ended_at
    expected = {anchored_at - 1: "not-anchored", ended_at: "withdrawn", ended_at + 1: "withdrawn"}
    for time in range(max(anchored_at, record.entry.valid_from), ended_at):
        expected[time] = "active"
    for time, state in expected.items():
        if time <= now["asOf"]["blockTime"]:
            answer = ask(time)
            assert (answer["at"], answer["status"]["state"]) == (time, state)
            assert answer["status"]["active"] is (state == "active")


def test_every_fact_that_it_follows_from_is_on_the_chain(
    withdrawn: tuple[Record, Ask], world: World
) -> None:
    record, ask = withdrawn
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}"
    history = world.provider.client.get(path)["history"]
    names = [fact["event"] for fact in history]
    assert names == ["AgreementProposed", "AgreementActivated", "LeavesAnchored", "ConsentEnded"]
    assert history[-1]["by"] == to_hex(record.entry.holder)
    assert history[-2]["by"] == to_hex(record.entry.issuer)
    for fact in history:
        receipt = world.web3.eth.get_transaction_receipt(fact["transactionHash"])
        block = world.web3.eth.get_block(receipt["blockNumber"])
        assert (fact["blockNumber"], fact["happenedAt"]) == (block["number"], block["timestamp"])
    before = ask(history[0]["happenedAt"] - 1)
    assert before["history"] == []
    assert before["status"]["state"] == "not-anchored"


def test_the_future_is_not_known(withdrawn: tuple[Record, Ask], world: World) -> None:
    record, _ = withdrawn
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}"
    for at in (2**40, 2**53 - 1):
        answer = send(world.provider.client, "GET", f"{path}?at={at}")
        assert_problem(answer, 422, "request-invalid", "at")
    assert_problem(
        send(world.provider.client, "GET", f"{path}?at=-1"), 422, "request-invalid", "at"
    )


def test_where_an_agreement_stood_at_any_time(world: World) -> None:
    agreement = world.conclude()
    registry = world.contract("AgreementRegistry").functions
    consumer = world.consumer
    consumer.wallet.call(registry.terminate(agreement, consumer.id, secrets.token_bytes(32)))
    path = f"/v1/agreements/{to_hex(agreement)}"
    wait_until(lambda: consumer.client.get(path)["status"] == "terminated", "the end")
    history = {change["state"]: change["at"] for change in consumer.client.get(path)["history"]}
    for at in range(history["proposed"] - 1, history["terminated"] + 1):
        expected = "unknown" if at < history["proposed"] else "proposed"
        expected = "active" if at >= history["active"] else expected
        expected = "terminated" if at >= history["terminated"] else expected
        found = consumer.client.get(path, at=at)["status"]
        assert found in (expected, "not-yet-valid") if expected == "active" else found == expected


def test_rates_as_they_were_known(world: World) -> None:
    now = world.consumer.client.get("/v1/rates")
    first = min(rate["setAt"] for rate in now["history"])
    before = world.consumer.client.get("/v1/rates", at=first - 1)
    assert (before["history"], before["inForce"]) == ([], {})
    known = world.consumer.client.get("/v1/rates", at=first)
    assert known["history"]
    assert all(rate["setAt"] <= first for rate in known["history"])
