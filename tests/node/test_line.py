"""The line through the interface: a consent from its grant to its statement, and its end."""

from __future__ import annotations

import json
import secrets

import httpx
import pytest
from web3 import Web3

from node.client import NodeRefused
from node.intake.records import attested_record, signed_slip
from protocol.bundle_verification import Result, verify_bundle
from protocol.commission import commission_rounded_down, gross, settle
from protocol.entries import encode_entry, leaf_of
from protocol.periods import parse_period
from protocol.record import to_json
from protocol.slip import encode_slip
from protocol.types import Category, RateBps, Units, to_hex
from tests.refusals import assert_problem, send
from tests.stage import World, wait_until

DEMO_RATES = {1: RateBps(500), 2: RateBps(300)}


def test_a_consent_is_queued_then_active_and_proven_in_three_ways(
    world: World, secret: bytes
) -> None:
    record = world.make_record(secret)
    [leaf] = world.grant(record)
    assert leaf == leaf_of(record.entry)
    status = world.wait_for_state(record, "active")
    assert status["active"]
    assert status["assurance"] == "signed"
    assert status["agreementStatus"] == "active"
    bundle = world.consumer.client.get(f"/v1/proofs/{to_hex(leaf)}")
    results = {section.name: section.result for section in verify_bundle(bundle)}
    assert Result.FAILED not in results.values()
    assert Result.OK in results.values()
    inclusion = bundle["inclusion"]
    assert inclusion["size"] == 8
    proof = (inclusion["root"], inclusion["index"], inclusion["path"])
    registry = world.contract("ConsentRegistry").functions
    assert registry.isActive(encode_entry(record.entry), proof).call()


def test_a_leaf_of_padding_proves_nothing(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    bundle = world.consumer.client.get(f"/v1/proofs/{to_hex(leaf_of(record.entry))}")
    bundle["inclusion"]["index"] = (bundle["inclusion"]["index"] + 1) % 8
    assert Result.FAILED in {section.result for section in verify_bundle(bundle)}


def test_uses_become_a_voucher_a_settlement_and_a_statement(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secret, agreement_id=agreement)
    voucher = world.use(record, 3)
    assert voucher["voucher"]["units"] == 3
    kept = world.consumer.client.post("/v1/vouchers", voucher)
    lines = world.terms[agreement].lines
    rates = [DEMO_RATES[line.category] for line in lines]
    expected = settle(lines, rates, Units(0), Units(3))
    assert kept["grossMinor"] == sum(amount.gross for amount in expected)
    for client in (world.consumer.client, world.provider.client):
        [held] = client.get("/v1/vouchers", agreement=to_hex(agreement))["items"]
        assert held.pop("settlementId").startswith("0x")
        assert held == {name: voucher[name] for name in ("voucher", "signer", "signature")}
    settlement = world.contract("UsageSettlement").functions
    consumer = Web3.to_checksum_address(world.consumer.id)
    provider = Web3.to_checksum_address(world.provider.id)
    balance = settlement.balanceOf(provider).call()
    queued = world.settle(voucher)
    paid = [(line["grossMinor"], line["commissionMinor"]) for line in queued["lines"]]
    assert paid == [(amount.gross, amount.commission_rounded_down) for amount in expected]
    gross_minor = sum(amount.gross for amount in expected)
    net_minor = gross_minor - sum(amount.commission_rounded_down for amount in expected)
    assert settlement.depositOf(agreement, consumer).call() == 1_000_000 - gross_minor
    assert settlement.balanceOf(provider).call() - balance == net_minor
    statement = world.provider.client.get(f"/v1/statements/{voucher['voucher']['period']}")
    own = [line for line in statement["lines"] if line["agreementId"] == to_hex(agreement)]
    assert [(line["grossMinor"], line["commissionMinor"]) for line in own] == paid
    assert {line["netMinor"] + line["commissionMinor"] - line["grossMinor"] for line in own} == {0}


def test_many_small_settlements_give_the_cents_of_one(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 2_000_000)
    record = world.grant_active(secret, agreement_id=agreement)
    commission = []
    for times in (1, 1, 2):
        voucher = world.use(record, times)
        queued = world.settle(voucher)
        commission += [line["commissionMinor"] for line in queued["lines"]]
    lines = world.terms[agreement].lines
    whole = [
        commission_rounded_down(gross(Units(4), line), DEMO_RATES[Category(line.category)])
        for line in lines
    ]
    assert sum(commission) == sum(whole)


def test_a_voucher_can_be_settled_in_parts(world: World, secret: bytes) -> None:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    voucher = world.use(world.grant_active(secret, agreement_id=agreement), 4)
    assert world.settle({**voucher, "upTo": 1})["toUnits"] == 1
    rest = world.settle(voucher)
    assert (rest["fromUnits"], rest["toUnits"]) == (1, 4)


def test_a_statement_adds_up_and_an_organisation_sees_its_own_lines(
    world: World, secret: bytes
) -> None:
    voucher = world.use(world.grant_active(secret), 2)
    world.settle(voucher)
    period = voucher["voucher"]["period"]
    whole = httpx.get(f"{world.node.url}/v1/statements/{period}").json()
    assert whole["lines"]
    for total in ("grossMinor", "commissionMinor", "netMinor"):
        assert whole[total] == sum(line[total] for line in whole["lines"])
    assert whole["grossMinor"] == whole["netMinor"] + whole["commissionMinor"]
    assert whole["provisional"]
    assert {line["period"] for line in whole["lines"]} == {period}
    assert not any(line["previousPeriods"] for line in whole["lines"])
    assert whole["useTimes"] == "asserted by the consumer"
    path = f"/v1/statements/{period}"
    paid = world.provider.client.get(path, organisation=to_hex(world.provider.id))
    assert {line["payee"] for line in paid["lines"]} == {to_hex(world.provider.id)}
    stranger = world.provider.client.get(path, organisation="0x" + "17" * 20)
    assert (stranger["lines"], stranger["grossMinor"]) == ([], 0)
    assert world.provider.client.get("/v1/statements/1999-01")["lines"] == []


def test_a_statement_comes_in_pages_and_each_has_the_totals(world: World, secret: bytes) -> None:
    voucher = world.use(world.grant_active(secret), 2)
    world.settle(voucher)
    path = f"/v1/statements/{voucher['voucher']['period']}"
    client = world.consumer.client
    for parameters in ({}, {"organisation": to_hex(world.provider.id)}):
        whole = client.get(path, **parameters)
        assert whole["next"] is None
        lines, after, totals = [], None, set()
        for _ in range(len(whole["lines"]) + 1):
            place = {"after": after} if after else {}
            page = client.get(path, **parameters, **place, limit=1)
            assert len(page["lines"]) == 1
            lines += page["lines"]
            totals.add((page["grossMinor"], page["netMinor"], page["commissionMinor"]))
            after = page["next"]
            if after is None:
                break
        assert lines == whole["lines"]
        assert totals == {(whole["grossMinor"], whole["netMinor"], whole["commissionMinor"])}
    followed = client.get_whole(path, "lines", limit=1)
    assert {**followed, "asOf": None} == {**client.get(path), "asOf": None}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/statements/2026-11?after=1-2", "after"),
        ("/v1/statements/2026-11?after=1-2-x", "after"),
        ("/v1/statements/2026-11?limit=0", "limit"),
        ("/v1/statements/2026-11?limit=1001", "limit"),
        ("/v1/rates?after=1-1969-12", "after"),
        ("/v1/rates?after=1", "after"),
        ("/v1/rates?limit=0", "limit"),
    ],
)
def test_a_page_begins_at_a_place_that_a_page_named(world: World, path: str, field: str) -> None:
    assert_problem(send(world.operator, "GET", path), 422, "request-invalid", field)


def test_rates_come_in_pages_and_each_has_what_is_in_force(world: World) -> None:
    whole = world.operator.get("/v1/rates")
    history, after = [], None
    for _ in range(len(whole["history"]) + 1):
        page = world.operator.get("/v1/rates", **({"after": after} if after else {}), limit=2)
        assert page["inForce"] == whole["inForce"]
        history += page["history"]
        after = page["next"]
        if after is None:
            break
    assert history == whole["history"]
    assert len(history) > 2


def test_the_rates_in_force_are_those_of_the_contract(world: World) -> None:
    rates = httpx.get(f"{world.node.url}/v1/rates").json()
    assert rates["inForce"] == {"1": 500, "2": 300, "3": 250}
    policy = world.contract("CommissionPolicy").functions
    for rate in rates["history"]:
        period = parse_period(rate["fromPeriod"])
        assert policy.rateOf(rate["category"], period).call() == rate["rateBps"]


def test_a_withdrawal_by_signature_closes_the_gate_at_once(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    answer = world.withdraw(record, secret)
    assert answer["state"] in ("withdrawal-pending", "withdrawn")
    assert world.status(record)["state"] in ("withdrawal-pending", "withdrawn")
    assert not world.status(record)["active"]
    ended = world.wait_for_state(record, "withdrawn")
    assert ended["endedBy"] == "holder"
    registry = world.contract("ConsentRegistry").functions
    holder = Web3.to_checksum_address(record.entry.holder)
    assert registry.revocations(holder, leaf_of(record.entry)).call() == ended["endedAt"]
    again = world.withdraw(record, secret)
    assert (again["state"], again["endedAt"]) == ("withdrawn", ended["endedAt"])
    with pytest.raises(NodeRefused) as refused:
        world.use(record, 1)
    assert refused.value.problem["type"] == "/problems/consent-not-active"
    assert refused.value.problem["errors"][0]["field"] == "consents.0"


def test_a_slip_withdraws_what_was_attested(world: World) -> None:
    entry = world.make_record(secrets.token_bytes(32)).entry
    record, slip = attested_record(
        world.story.documents.receipt.purposes[0],
        [world.consumer.did],
        "paper",
        world.agreement,
        world.provider.id,
        entry.valid_from,
        entry.valid_until,
        world.chain_id,
        world.address("ConsentRegistry"),
    )
    world.grant(record)
    assert world.wait_for_state(record, "active")["assurance"] == "attested"
    answer = world.operator.post("/v1/withdrawals", {"slip": to_hex(encode_slip(slip))})
    assert answer["leaf"] == to_hex(leaf_of(record.entry))
    assert world.wait_for_state(record, "withdrawn")["endedBy"] == "holder"


def test_a_slip_made_when_granting_works_later(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    slip = encode_slip(signed_slip(record, secret))
    world.operator.post("/v1/withdrawals", {"slip": to_hex(slip)})
    world.wait_for_state(record, "withdrawn")


def test_where_a_withdrawal_stands_can_be_asked_by_anybody(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    path = f"{world.node.url}/v1/withdrawals/{to_hex(leaf_of(record.entry))}"
    assert httpx.get(path).status_code == 404
    world.withdraw(record, secret)
    done = wait_until(
        lambda: [a for a in [httpx.get(path).json()] if a["state"] == "withdrawn"], "the end"
    )[0]
    receipt = world.web3.eth.get_transaction_receipt(done["transactionHash"])
    assert receipt["blockNumber"] == done["blockNumber"]


def test_the_record_comes_back_as_it_was_granted(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    path = f"/v1/consents/{to_hex(leaf_of(record.entry))}"
    for client in (world.provider.client, world.consumer.client):
        shown = client.get(path)
        assert shown["record"] == to_json(record)
        assert shown["anchoring"]["size"] == 8
        assert shown["holder"] == to_hex(record.entry.holder)


def test_the_database_holds_no_record_in_clear(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    rows = world.node.sql(
        "SELECT to_jsonb(c) AS value FROM node.consents c WHERE leaf = :leaf",
        leaf=leaf_of(record.entry),
    )
    assert len(rows) == 2
    clear = json.dumps([row.value for row in rows])
    stored = b"".join(
        bytes(row.sealed_record)
        for row in world.node.sql(
            "SELECT sealed_record FROM node.consents WHERE leaf = :leaf",
            leaf=leaf_of(record.entry),
        )
    )
    purpose = world.story.documents.receipt.purposes[0].purpose
    for hidden in (purpose, world.consumer.did, to_json(record)["blinding"][2:]):
        assert hidden not in clear
        assert hidden.encode() not in stored
    assert record.grant_signature is not None
    assert record.grant_signature not in stored
