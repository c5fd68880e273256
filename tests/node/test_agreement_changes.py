"""Suspending, resuming and terminating an agreement: promised once, by a party, as the chain
would take it."""

from __future__ import annotations

import secrets

import pytest

from node.api.schemas.agreements import TermsShape
from protocol.types import AgreementId, Scope, to_hex
from tests.refusals import assert_problem, nothing_written, refused, send
from tests.stage import Json, World, hash_of, wait_until

REASON = "0x" + "5e" * 32


def path_of(agreement: bytes, change: str = "") -> str:
    return f"/v1/agreements/{to_hex(agreement)}" + (f"/{change}" if change else "")


def wait_for_status(world: World, agreement: AgreementId, status: str) -> Json:
    def shown() -> Json | None:
        found = world.show_agreement(agreement)
        return found if found["status"] == status else None

    reached: Json = wait_until(shown, f"to be {status}")
    return reached


def delegate(world: World, scopes: Scope) -> None:
    """What the consumer lets the operator do, from now on."""
    addresses = [
        world.web3.to_checksum_address(each)
        for each in (world.consumer.id, world.story.stage.operator_id)
    ]
    registry = world.contract("ParticipantRegistry").functions
    receipt = world.consumer.wallet.call(registry.delegate(*addresses, int(scopes), 2**40 - 1))
    world.wait_for_block(receipt.block_number)


def test_an_agreement_is_suspended_resumed_and_ended(world: World) -> None:
    agreement, client = world.conclude(), world.provider.client
    answer = client.post(path_of(agreement, "suspend"), {"reasonHash": REASON})
    assert answer == {
        "agreementId": to_hex(agreement),
        "organisation": to_hex(world.provider.id),
        "change": "suspend",
        "state": "queued",
    }
    wait_for_status(world, agreement, "suspended")
    [kept] = world.node.sql(
        "SELECT organisation, reason_hash FROM ledger.agreement_suspensions"
        " WHERE agreement_id = :id",
        id=agreement,
    )
    assert (kept.organisation, to_hex(kept.reason_hash)) == (world.provider.id, REASON)
    client.post(path_of(agreement, "resume"), None)
    wait_for_status(world, agreement, "active")
    client.post(path_of(agreement, "terminate"), {})
    shown = wait_for_status(world, agreement, "terminated")
    by = [fact["by"] for fact in shown["facts"] if fact["event"] == "AgreementTerminated"]
    assert by == [to_hex(world.provider.id)]
    for change in ("suspend", "terminate"):
        refused(world, client, path_of(agreement, change), {}, 409, "state-invalid", "agreement_id")


def test_a_proposal_is_withdrawn_before_it_is_on_the_chain(world: World) -> None:
    terms = world.make_terms(salt=hash_of(secrets.randbits(200)))
    agreement, client = world.id_of(terms), world.provider.client
    with world.node.held("sender"):
        client.post("/v1/agreements", {"terms": shape_of(world, agreement)})
        client.post(path_of(agreement, "terminate"), {})
    wait_until(lambda: "history" in world.show_agreement(agreement), "the proposal")
    wait_for_status(world, agreement, "terminated")


def shape_of(world: World, agreement: AgreementId) -> Json:
    return TermsShape.of(world.terms[agreement]).to_json()


def test_one_change_is_on_its_way_at_a_time(world: World) -> None:
    agreement, client = world.conclude(), world.provider.client
    with world.node.held("sender"):
        client.post(path_of(agreement, "suspend"), {})
        for change in ("suspend", "resume", "terminate"):
            path = path_of(agreement, change)
            refused(world, client, path, {}, 409, "change-queued", None)
    wait_for_status(world, agreement, "suspended")
    client.post(path_of(agreement, "resume"), None)
    wait_for_status(world, agreement, "active")


def test_a_suspension_is_taken_back_only_by_who_asked_for_it(world: World) -> None:
    agreement = world.conclude()
    registry = world.contract("AgreementRegistry").functions
    consumer = world.web3.to_checksum_address(world.consumer.id)
    receipt = world.consumer.wallet.call(registry.suspend(agreement, consumer, bytes(32)))
    world.wait_for_block(receipt.block_number)
    client = world.provider.client
    path = path_of(agreement, "resume")
    refused(world, client, path, None, 422, "not-suspended-by", "agreement_id")
    client.post(path_of(agreement, "suspend"), {})
    suspensions = "SELECT FROM ledger.agreement_suspensions WHERE agreement_id = :id"
    wait_until(lambda: len(world.node.sql(suspensions, id=agreement)) == 2, "the second one")
    client.post(path, None)
    resumed = "SELECT FROM ledger.agreement_resumptions WHERE agreement_id = :id"
    wait_until(lambda: world.node.sql(resumed, id=agreement), "the resumption")
    assert world.show_agreement(agreement)["status"] == "suspended", "the consumer's is in force"


@pytest.mark.parametrize("change", ["suspend", "resume", "terminate"])
def test_nobody_but_a_party_changes_it(world: World, change: str) -> None:
    path = path_of(world.agreement, change)
    refused(world, world.operator, path, {}, 404, "agreement-not-found", "agreement_id")
    unknown = path_of(b"\x07" * 32, change)
    refused(world, world.provider.client, unknown, {}, 404, "agreement-not-found", "agreement_id")


def test_a_party_that_has_not_delegated_it_is_told_so_and_may_once_it_has(world: World) -> None:
    agreement, client = world.conclude(), world.consumer.client
    path = path_of(agreement, "suspend")
    refused(world, client, path, {}, 409, "operator-not-delegated", None)
    delegate(world, Scope.AGREE)
    try:
        client.post(path, {})
        wait_for_status(world, agreement, "suspended")
    finally:
        delegate(world, Scope(0))


def test_a_reason_that_is_no_hash_is_refused(world: World) -> None:
    path = path_of(world.agreement, "suspend")
    with nothing_written(world):
        answer = send(world.provider.client, "POST", path, {"reasonHash": "because"})
        assert_problem(answer, 422, "request-invalid", "reasonHash")
