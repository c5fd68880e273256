"""Where a settlement stands: promised once for all who hold the voucher, answered by the chain."""

from __future__ import annotations

from typing import Any

import pytest

from node.demo.cast import Organisation
from node.sending.acts import terms_tuple
from protocol.periods import parse_period
from protocol.terms_json import terms_to_json
from protocol.types import AgreementId, to_hex
from tests.at_once import post_at_once
from tests.refusals import assert_problem, refused, send
from tests.stage import Json, World, hash_of, wait_until

PATH = "/v1/settlements"
ON_CHAIN = ("mined", "final")


@pytest.fixture
def voucher(world: World, secret: bytes) -> Json:
    """A signed voucher of three units under an agreement of its own."""
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    return world.use(world.grant_active(secret, agreement_id=agreement), 3)


@pytest.fixture(params=["consumer first", "payee first"])
def order(world: World, request: pytest.FixtureRequest) -> list[Organisation]:
    parties = [world.consumer, world.provider]
    return parties if request.param == "consumer first" else parties[::-1]


def promises(world: World, settlement_id: str) -> list[Any]:
    rows: list[Any] = world.node.sql(
        "SELECT organisation_id, state, failure FROM node.outbox WHERE subject = :digest",
        digest=bytes.fromhex(settlement_id[2:]),
    )
    return rows


def wait_until_on_chain(party: Organisation, settlement_id: str) -> Json:
    """The answer once the chain has it; fails at once on a failure."""

    def arrived() -> Json | None:
        answer: Json = party.client.get(f"{PATH}/{settlement_id}")
        assert answer["state"] != "failed", answer
        return answer if answer["settledUnits"] == answer["units"] else None

    answer: Json = wait_until(arrived, "the settlement")
    assert answer["state"] in ON_CHAIN
    return answer


def settle_past_this_node(world: World, signed: Json) -> str:
    """As another operator's node would; the transaction's hash."""
    voucher = signed["voucher"]
    agreement = AgreementId(bytes.fromhex(voucher["agreementId"][2:]))
    settlement = world.contract("UsageSettlement").functions
    checksum = world.web3.to_checksum_address
    act = settlement.settle(
        terms_tuple(terms_to_json(world.terms[agreement])),
        (
            agreement,
            checksum(voucher["consumer"]),
            parse_period(voucher["period"]),
            voucher["units"],
            voucher["usageRoot"],
        ),
        voucher["units"],
        checksum(signed["signer"]),
        signed["signature"],
    )
    receipt = world.provider.wallet.call(act)
    world.wait_for_block(receipt.block_number)
    return receipt.transaction_hash


def test_both_parties_get_one_promise_and_the_same_answer(
    world: World, voucher: Json, order: list[Organisation]
) -> None:
    with world.node.held("sender"):
        answers = [party.client.post(PATH, voucher) for party in order]
        assert answers[0] == answers[1]
        settlement_id = answers[0]["settlementId"]
        [promise] = promises(world, settlement_id)
        assert promise.organisation_id == order[0].id
        for party in order:
            shown = party.client.get(f"{PATH}/{settlement_id}")
            assert (shown["state"], shown["settledUnits"], shown["units"]) == ("waiting", 0, 3)
        refused(world, order[0].client, PATH, voucher, 409, "settlement-queued", None)
        assert order[1].client.post(PATH, voucher) == answers[1]
        assert len(promises(world, settlement_id)) == 1
    shown = [wait_until_on_chain(party, settlement_id) for party in order]
    assert shown[0]["transactionHash"] == shown[1]["transactionHash"] is not None
    assert [promise.failure for promise in promises(world, settlement_id)] == [None]


def test_parties_at_the_same_time_get_one_promise(world: World, voucher: Json) -> None:
    clients = [world.consumer.client, world.provider.client, world.operator] * 3
    answers = post_at_once(world, clients, PATH, voucher)
    again = [answer for answer in answers if answer.status_code != 202]
    for answer in again:
        assert_problem(answer, 409, "settlement-queued", None)
    assert len(again) == 2, "who has the promise asks twice more, the others join it"
    [settlement_id] = {a.json()["settlementId"] for a in answers if a.status_code == 202}
    assert len(promises(world, settlement_id)) == 1
    for party in (world.consumer, world.provider):
        wait_until_on_chain(party, settlement_id)


def test_a_part_on_its_way_is_no_promise_of_the_whole(
    world: World, voucher: Json, order: list[Organisation]
) -> None:
    first, second = order
    with world.node.held("sender"):
        part = first.client.post(PATH, {**voucher, "upTo": 1})
        refused(world, second.client, PATH, voucher, 409, "settlement-queued", None)
        assert second.client.post(PATH, {**voucher, "upTo": 1}) == part
    path = f"{PATH}/{part['settlementId']}"
    wait_until(lambda: second.client.get(path)["settledUnits"] == 1, "the part")
    assert second.client.get(path)["state"] in ON_CHAIN
    second.client.post(PATH, voucher)
    for party in order:
        wait_until_on_chain(party, part["settlementId"])


def test_what_another_node_settles_is_settled_for_either_party(
    world: World, voucher: Json, order: list[Organisation]
) -> None:
    with world.node.held("sender"):
        settlement_id = order[0].client.post(PATH, voucher)["settlementId"]
        transaction_hash = settle_past_this_node(world, voucher)
        for party in order:
            shown = wait_until_on_chain(party, settlement_id)
            assert shown["transactionHash"] == transaction_hash
    wait_until(
        lambda: [each.state for each in promises(world, settlement_id)] == ["failed"],
        "the contract's refusal of the second",
    )
    for party in order:
        shown = party.client.get(f"{PATH}/{settlement_id}")
        assert (shown["transactionHash"], shown["failure"]) == (transaction_hash, None)
        assert shown["state"] in ON_CHAIN
        refused(world, party.client, PATH, voucher, 409, "voucher-not-newer", "voucher.units")


def test_a_voucher_that_is_only_kept_here_is_settled_once_the_chain_says_so(
    world: World, voucher: Json
) -> None:
    world.consumer.client.post("/v1/vouchers", voucher)
    settle_past_this_node(world, voucher)
    [row] = world.node.sql(
        "SELECT DISTINCT digest FROM node.vouchers WHERE agreement_id = :agreement",
        agreement=bytes.fromhex(voucher["voucher"]["agreementId"][2:]),
    )
    for party in (world.consumer, world.provider):
        assert wait_until_on_chain(party, to_hex(row.digest))["blockNumber"]


def test_a_promise_that_failed_may_be_made_anew_by_either(
    world: World, voucher: Json, order: list[Organisation]
) -> None:
    first, second = order
    with world.node.held("sender"):
        settlement_id = first.client.post(PATH, voucher)["settlementId"]
        world.node.sql(
            "UPDATE node.outbox SET state = 'failed', failure = CAST(:failure AS jsonb)"
            " WHERE subject = :digest",
            failure='{"name": "Stopped"}',
            digest=bytes.fromhex(settlement_id[2:]),
        )
        for party in order:
            shown = party.client.get(f"{PATH}/{settlement_id}")
            assert (shown["state"], shown["failure"]) == ("failed", {"name": "Stopped"})
        assert second.client.post(PATH, voucher)["settlementId"] == settlement_id
    for party in order:
        wait_until_on_chain(party, settlement_id)


def test_who_does_not_hold_the_voucher_learns_nothing(world: World, voucher: Json) -> None:
    settlement_id = world.provider.client.post(PATH, voucher)["settlementId"]
    for path in (f"{PATH}/{settlement_id}", f"{PATH}/{to_hex(hash_of(8))}"):
        answer = send(world.operator, "GET", path)
        assert_problem(answer, 404, "settlement-not-found", None)
    wait_until_on_chain(world.provider, settlement_id)
