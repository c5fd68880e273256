"""Proposals and signatures that were answered with 202: promised once, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from node.api.schemas.agreements import TermsShape
from protocol.types import AgreementId, Scope, to_hex
from tests.at_once import post_at_once
from tests.refusals import assert_problem, refused, send
from tests.stage import Json, World, wait_until


def signing_path(agreement: bytes) -> str:
    return f"/v1/agreements/{to_hex(agreement)}/signatures"


def show(world: World, client: Any, agreement: bytes) -> Json:
    answer: Json = client.get(f"/v1/agreements/{to_hex(agreement)}")
    return answer


def wait_for_refusal(world: World, agreement: bytes) -> Json:
    """The one signature that is not on chain, once the contract has refused it."""

    def the_refused() -> Json | None:
        [promised] = show(world, world.provider.client, agreement)["promisedSignatures"]
        found: Json | None = promised if promised["state"] == "refused" else None
        return found

    refused_signature: Json = wait_until(the_refused, "the refusal")
    return refused_signature


def acts(world: World, kind: str, agreement: bytes) -> list[str]:
    rows = world.node.sql(
        "SELECT state FROM node.outbox WHERE kind = :kind AND subject = :subject",
        kind=kind,
        subject=agreement,
    )
    return [row.state for row in rows]


def terminate(world: World, agreement: AgreementId) -> None:
    """By the provider itself, past this node."""
    organisation = world.web3.to_checksum_address(world.provider.id)
    registry = world.contract("AgreementRegistry").functions
    receipt = world.provider.wallet.call(registry.terminate(agreement, organisation, bytes(32)))
    world.wait_for_block(receipt.block_number)


def test_a_signature_that_the_contract_refuses_is_shown_to_who_sent_it(world: World) -> None:
    agreement = world.propose(world.make_terms())
    body = world.signature_of(world.provider, agreement)
    expected = {"organisation": body["organisation"], "signer": body["signer"]}
    with world.node.held("sender"):
        world.provider.client.post(signing_path(agreement), body)
        shown = show(world, world.provider.client, agreement)
        assert shown["promisedSignatures"] == [{**expected, "state": "queued", "failure": None}]
        assert shown["signatures"] == []
        terminate(world, agreement)
    promised = wait_for_refusal(world, agreement)
    assert {name: promised[name] for name in expected} == expected
    assert promised["failure"]["name"] == "StateInvalid"
    assert promised["failure"]["detail"]
    assert promised["failure"]["remedy"]
    assert show(world, world.provider.client, agreement)["status"] == "terminated"
    assert show(world, world.consumer.client, agreement)["promisedSignatures"] == []


def test_a_signature_on_chain_is_no_promise_any_more(world: World) -> None:
    agreement = world.conclude()
    for party in (world.provider, world.consumer):
        shown = show(world, party.client, agreement)
        assert shown["promisedSignatures"] == []
        assert len(shown["signatures"]) == 2


@contextmanager
def without_delegation(world: World) -> Iterator[None]:
    """Inside the block the operator may not propose for the provider."""
    functions = world.contract("ParticipantRegistry").functions
    operator = world.web3.to_checksum_address(world.story.stage.operator_id)
    provider = world.web3.to_checksum_address(world.provider.id)

    def delegate(scopes: Scope) -> None:
        act = functions.delegate(provider, operator, int(scopes), 2**40 - 1)
        world.wait_for_block(world.provider.wallet.call(act).block_number)

    delegate(Scope.ANCHOR)
    try:
        yield
    finally:
        delegate(Scope.AGREE | Scope.ANCHOR)


def test_a_refused_proposal_shows_the_signatures_that_went_with_it_and_both_may_be_made_anew(
    world: World,
) -> None:
    terms = world.make_terms()
    agreement, body = world.id_of(terms), {"terms": TermsShape.of(terms).to_json()}
    client, signature = (
        world.provider.client,
        world.signature_of(world.provider, world.id_of(terms)),
    )
    with world.node.held("sender"):
        client.post("/v1/agreements", body)
        client.post(signing_path(agreement), signature)
        pending = show(world, client, agreement)
        assert pending["status"] == "queued"
        assert [each["state"] for each in pending["promisedSignatures"]] == ["queued"]
        delegated = without_delegation(world)
        delegated.__enter__()
    try:
        promised = wait_for_refusal(world, agreement)
        pending = show(world, client, agreement)
    finally:
        delegated.__exit__(None, None, None)
    assert pending["status"] == "refused"
    assert pending["failure"]["name"] == "NotAuthorised"
    assert promised["failure"]["name"] == "StateInvalid"
    world.propose(terms)
    client.post(signing_path(agreement), signature)
    wait_until(lambda: show(world, client, agreement)["signatures"], "the signature")
    assert show(world, client, agreement)["promisedSignatures"] == []
    assert sorted(acts(world, "sign", agreement))[0] == "failed"
    assert len(acts(world, "sign", agreement)) == 2


def test_a_signature_on_its_way_is_not_promised_twice(world: World) -> None:
    agreement = world.propose(world.make_terms())
    body = world.signature_of(world.provider, agreement)
    client, path = world.provider.client, signing_path(agreement)
    with world.node.held("sender"):
        client.post(path, body)
        problem = refused(world, client, path, body, 409, "signature-queued", "organisation")
        assert "GET /v1/agreements" in problem["remedy"]
        of_the_other = world.signature_of(world.consumer, agreement)
        assert send(client, "POST", path, of_the_other).status_code == 202
    wait_until(lambda: show(world, client, agreement)["status"] == "active", "activation")


@pytest.mark.parametrize("clients", [2, 8])
def test_proposals_at_the_same_time_are_promised_once(world: World, clients: int) -> None:
    terms = world.make_terms()
    body = {"terms": TermsShape.of(terms).to_json()}
    slug = "already-proposed"
    at_the_same_time(world, "/v1/agreements", body, clients, slug)
    assert len(acts(world, "propose", world.id_of(terms))) == 1


@pytest.mark.parametrize("clients", [2, 8])
def test_signatures_at_the_same_time_are_promised_once(world: World, clients: int) -> None:
    agreement = world.propose(world.make_terms())
    body = world.signature_of(world.provider, agreement)
    at_the_same_time(world, signing_path(agreement), body, clients, "signature-queued")
    assert len(acts(world, "sign", agreement)) == 1


def at_the_same_time(world: World, path: str, body: Json, clients: int, slug: str) -> None:
    """One of the requests gets the promise, the others the problem."""
    answers = post_at_once(world, [world.provider.client] * clients, path, body)
    answers.sort(key=lambda answer: answer.status_code)
    assert answers[0].status_code == 202
    for answer in answers[1:]:
        assert_problem(answer, 409, slug, None)
