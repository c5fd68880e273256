"""Was this consent active then, and how do we know?"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx
import pytest
from web3 import Web3

from protocol.entries import leaf_of
from protocol.postings import deposit_of
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
        answer = consumer.client.get(path, at=at)
        found = answer["status"]
        assert found in (expected, "not-yet-valid") if expected == "active" else found == expected
        require_nothing_later(answer, at)


def require_nothing_later(answer: Json, at: int) -> None:
    """An agreement says how it is known, by what had happened at a time and by nothing else."""
    assert answer["at"] == at
    assert answer["provenBy"]["blockTime"] <= at
    times = [
        *(signed["signedAt"] for signed in answer.get("signatures", ())),
        *(change["at"] for change in answer.get("history", ())),
        *(fact["happenedAt"] for fact in answer.get("facts", ())),
    ]
    assert max(times, default=at) <= at
    assert answer.get("promisedSignatures", []) == []
    if answer["status"] == "unknown":
        assert answer.keys() == {"asOf", "at", "provenBy", "agreementId", "status"}
    else:
        assert [fact["event"] for fact in answer["facts"]][:1] == ["AgreementProposed"]
        assert len(answer["facts"]) == len(answer["history"])


def test_every_fact_of_an_agreement_is_on_the_chain(world: World) -> None:
    answer = world.consumer.client.get(f"/v1/agreements/{to_hex(world.conclude())}")
    assert [fact["event"] for fact in answer["facts"]] == [
        "AgreementProposed",
        "AgreementActivated",
    ]
    assert len(answer["signatures"]) == 2
    for fact, change in zip(answer["facts"], answer["history"], strict=True):
        receipt = world.web3.eth.get_transaction_receipt(fact["transactionHash"])
        block = world.web3.eth.get_block(receipt["blockNumber"])
        assert (fact["blockNumber"], fact["happenedAt"]) == (block["number"], block["timestamp"])
        assert change["at"] == fact["happenedAt"]


def test_every_answer_of_now_names_the_block_that_proves_it(
    withdrawn: tuple[Record, Ask], world: World
) -> None:
    """Without a time as with one, in all answers that can be asked of the past."""
    record, _ = withdrawn
    for path in (
        f"/v1/consents/{to_hex(leaf_of(record.entry))}",
        f"/v1/agreements/{to_hex(record.entry.agreement_id)}",
        *("/v1/rates", "/v1/accounts", "/v1/accounts/issued"),
    ):
        answer = world.provider.client.get(path)
        proven, now = answer["provenBy"], answer["asOf"]
        assert answer["at"] is None, path
        assert proven == {name: now[name] for name in proven}, path


def test_rates_as_they_were_known(world: World) -> None:
    now = world.consumer.client.get("/v1/rates")
    first = min(rate["setAt"] for rate in now["history"])
    before = world.consumer.client.get("/v1/rates", at=first - 1)
    assert (before["history"], before["inForce"]) == ([], {})
    known = world.consumer.client.get("/v1/rates", at=first)
    assert known["history"]
    assert all(rate["setAt"] <= first for rate in known["history"])


def test_what_an_account_held_at_any_time_is_what_the_contract_said_then(world: World) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 700_000)
    world.deposit(agreement, 300_000)
    client, consumer = world.consumer.client, world.consumer
    name = deposit_of(agreement, consumer.id)
    wait_until(lambda: client.get(f"/v1/accounts/{name}")["balanceMinor"] == 1_000_000, "both")
    settlement = world.contract("UsageSettlement").functions
    head = world.web3.eth.block_number
    held = []
    for number in range(head - 6, head + 1):
        at = world.web3.eth.get_block(number)["timestamp"]
        answer = client.get(f"/v1/accounts/{name}", at=at)
        proof = answer["provenBy"]
        block = world.web3.eth.get_block(proof["blockNumber"])
        assert (proof["blockHash"], proof["blockTime"]) == (
            to_hex(bytes(block["hash"])),
            block["timestamp"],
        )
        assert proof["blockTime"] <= at == answer["at"]
        asked = settlement.depositOf(agreement, Web3.to_checksum_address(consumer.id))
        said = asked.call(block_identifier=bytes(block["hash"]))
        assert said == answer["balanceMinor"]
        held.append(said)
    assert held == sorted(held)
    assert held[-1] == 1_000_000


def test_accounts_are_public_and_come_in_pages_of_one_moment(world: World) -> None:
    at = httpx.get(f"{world.node.url}/v1/accounts").json()["provenBy"]["blockTime"]
    for organisation in (None, to_hex(world.consumer.id)):
        chosen = {"organisation": organisation} if organisation else {}
        listed, after = [], None
        for _ in range(1_000):
            parameters = {"at": at, "limit": 2, **chosen, **({"after": after} if after else {})}
            page = httpx.get(f"{world.node.url}/v1/accounts", params=parameters).json()
            listed += page["items"]
            after = page["next"]
            if after is None:
                break
        names = [item["account"] for item in listed]
        assert len(names) == len(set(names)) > 2
        for item in listed[:5]:
            alone = httpx.get(f"{world.node.url}/v1/accounts/{item['account']}?at={at}").json()
            assert {name: alone[name] for name in item} == item
        if organisation is None:
            assert sum(item["balanceMinor"] for item in listed) == 0
        else:
            holding = f"holding:{to_hex(world.consumer.account)}"
            assert holding in names
            assert all(organisation in name or name == holding for name in names)


def test_an_account_is_named_as_the_books_name_it(world: World) -> None:
    url = f"{world.node.url}/v1/accounts"
    settlement, treasury = world.address("UsageSettlement"), world.address("CommonsTreasury")
    for asked, answered in (
        (f"holding:{to_hex(settlement)}", "transit"),
        (f"holding:{to_hex(treasury)}", "treasury"),
        (f"holding:0x{'00' * 20}", "issued"),
        (f"balance:0x{'AB' * 20}", f"balance:0x{'ab' * 20}"),
    ):
        assert httpx.get(f"{url}/{asked}").json()["account"] == answered
    unknown = httpx.get(f"{url}/balance:0x{'ab' * 20}").json()
    assert (unknown["balanceMinor"], unknown["postings"]) == (0, 0)
    before = httpx.get(f"{url}/issued?at=0").json()
    assert (before["balanceMinor"], before["provenBy"]) == (0, None)
    for asked in ("nobody", "holding:0x12", "issued:0x12", f"deposit:0x{'ab' * 20}"):
        assert_problem(httpx.get(f"{url}/{asked}"), 422, "request-invalid", "account")
    assert_problem(httpx.get(f"{url}/issued?at={2**40}"), 422, "request-invalid", "at")
