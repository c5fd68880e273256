"""Withdrawals of consents that their holder ended through somebody else, and what is relayed."""

from __future__ import annotations

import httpx
from web3 import Web3

from protocol.entries import leaf_of
from protocol.record import Record
from protocol.types import from_hex, to_hex
from tests.conftest import FINALITY_BLOCKS
from tests.refusals import assert_problem
from tests.stage import Json, World


def end_elsewhere(world: World, record: Record, secret: bytes) -> Json:
    """The holder's withdrawal in a transaction that is not the node's; what would be sent to it."""
    body = world.withdrawal_of(record, secret)
    signature = from_hex(body["signature"])
    parts = signature[:32], signature[32:64], signature[64]
    holder = Web3.to_checksum_address(record.entry.holder)
    registry = world.contract("ConsentRegistry")
    act = registry.functions.withdrawBySignature((holder, leaf_of(record.entry), *parts))
    world.provider.wallet.call(act)
    world.wait_for_state(record, "withdrawn")
    return body


def bury(world: World) -> None:
    """Makes final what is in a block, by blocks with something else."""
    token, settlement = world.contract("UsageToken"), world.contract("UsageSettlement")
    for _ in range(FINALITY_BLOCKS):
        receipt = world.consumer.wallet.call(token.functions.approve(settlement.address, 0))
    world.wait_for_block(receipt.block_number)


def relayed(world: World, record: Record) -> int:
    [row] = world.node.sql(
        "SELECT count(*) AS acts FROM node.outbox WHERE kind = 'withdraw' AND subject = :leaf",
        leaf=leaf_of(record.entry),
    )
    return int(row.acts)


def test_the_relay_does_not_repeat_what_is_final(at_rest: World, secret: bytes) -> None:
    record = at_rest.grant_active(secret)
    body = end_elsewhere(at_rest, record, secret)
    bury(at_rest)
    for _ in range(2):
        answer = httpx.post(f"{at_rest.node.url}/v1/withdrawals", json=body)
        assert (answer.status_code, answer.json()["state"]) == (202, "withdrawn")
        assert answer.json()["endedBy"] == "holder"
    assert relayed(at_rest, record) == 0
    shown = httpx.get(f"{at_rest.node.url}/v1/withdrawals/{to_hex(leaf_of(record.entry))}")
    assert shown.json()["state"] == "withdrawn"


def test_an_ending_that_may_be_taken_back_is_relayed_all_the_same(
    at_rest: World, secret: bytes
) -> None:
    record = at_rest.grant_active(secret)
    body = end_elsewhere(at_rest, record, secret)
    answer = httpx.post(f"{at_rest.node.url}/v1/withdrawals", json=body)
    assert (answer.status_code, answer.json()["state"]) == (202, "withdrawn")
    assert relayed(at_rest, record) == 1


def test_an_ending_through_somebody_else_is_shown_to_who_names_the_holder(
    world: World, secret: bytes
) -> None:
    record = world.grant_active(secret)
    address = f"{world.node.url}/v1/withdrawals/{to_hex(leaf_of(record.entry))}"
    holder = {"holder": to_hex(record.entry.holder)}
    assert_problem(httpx.get(address, params=holder), 404, "withdrawal-not-found", None)
    end_elsewhere(world, record, secret)
    assert_problem(httpx.get(address), 404, "withdrawal-not-found", None)
    other = {"holder": to_hex(world.consumer.account)}
    assert_problem(httpx.get(address, params=other), 404, "withdrawal-not-found", None)
    shown = httpx.get(address, params=holder).json()
    assert (shown["state"], shown["endedBy"]) == ("withdrawn", "holder")
    assert shown["endedAt"] == world.status(record)["endedAt"]
