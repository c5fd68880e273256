"""Agreements that cannot be proposed or signed: each refusal names field and remedy."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from node.api.schemas.agreements import TermsShape
from node.intake.completion import CompletedLine
from node.keys import load_or_create_account
from protocol.eip712 import digest_of_typed_data
from protocol.signatures import sign_digest
from protocol.types import to_hex
from tests.refusals import assert_problem, refused, send
from tests.stage import Json, World, hash_of

Change = Callable[[Json], Any]


def line(terms: Json, **changes: Any) -> None:
    terms["lines"][0].update(changes)


def in_the_past(terms: Json) -> None:
    terms.update(validFrom=int(time.time()) - 100, validUntil=int(time.time()) - 50)


def upside_down(terms: Json) -> None:
    terms.update(validFrom=int(time.time()) + 100, validUntil=int(time.time()) + 50)


OUT_OF_SHAPE: dict[str, tuple[Change, str]] = {
    "price of 65 bits": (lambda t: line(t, unitPrice=2**64), "terms.lines.0.unitPrice"),
    "price of 300 bits": (lambda t: line(t, unitPrice=2**300), "terms.lines.0.unitPrice"),
    "negative price": (lambda t: line(t, unitPrice=-1), "terms.lines.0.unitPrice"),
    "broken price": (lambda t: line(t, unitPrice=0.5), "terms.lines.0.unitPrice"),
    "free units of 65 bits": (lambda t: line(t, freeUnits=2**64), "terms.lines.0.freeUnits"),
    "category of 17 bits": (lambda t: line(t, category=2**16), "terms.lines.0.category"),
    "payee of 19 bytes": (lambda t: line(t, payee="0x" + "11" * 19), "terms.lines.0.payee"),
    "one party": (lambda t: t.update(parties=t["parties"][:1]), "terms.parties"),
    "33 parties": (lambda t: t.update(parties=t["parties"][:1] * 33), "terms.parties"),
    "33 lines": (lambda t: t.update(lines=t["lines"][:1] * 33), "terms.lines"),
    "time of 64 bits": (lambda t: t.update(validUntil=2**64), "terms.validUntil"),
    "no salt": (lambda t: t.pop("salt"), "terms.salt"),
    "a field too many": (lambda t: t.update(surplus=1), "terms.surplus"),
    "a line's field too many": (lambda t: line(t, surplus=1), "terms.lines.0.surplus"),
}
AGAINST_THE_RULES: dict[str, tuple[Change, str, str]] = {
    "ended before it began": (upside_down, "validity-invalid", "terms.validUntil"),
    "ended already": (in_the_past, "validity-invalid", "terms.validUntil"),
    "parties not in order": (
        lambda t: t.update(parties=t["parties"][::-1]),
        "parties-not-ascending",
        "terms.parties",
    ),
    "a stranger as party": (
        lambda t: t.update(parties=sorted([*t["parties"], "0x" + "ff" * 20])),
        "party-not-admitted",
        "terms.parties",
    ),
    "a stranger is paid": (
        lambda t: line(t, payee="0x" + "ff" * 20),
        "payee-not-party",
        "terms.lines",
    ),
    "no rate for the category": (lambda t: line(t, category=9), "unknown-category", "terms.lines"),
    "a parent that never was": (
        lambda t: t.update(parent=to_hex(hash_of(7))),
        "parent-invalid",
        "terms.parent",
    ),
}


@pytest.mark.parametrize(("change", "field"), OUT_OF_SHAPE.values(), ids=OUT_OF_SHAPE)
def test_terms_out_of_shape_are_refused(at_rest: World, change: Change, field: str) -> None:
    terms = TermsShape.of(at_rest.make_terms()).to_json()
    change(terms)
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/agreements", {"terms": terms}, 422, "request-invalid", field)


@pytest.mark.parametrize(
    ("change", "slug", "field"), AGAINST_THE_RULES.values(), ids=AGAINST_THE_RULES
)
def test_terms_against_the_rules_are_refused(
    at_rest: World, change: Change, slug: str, field: str
) -> None:
    terms = TermsShape.of(at_rest.make_terms()).to_json()
    change(terms)
    client = at_rest.provider.client
    refused(at_rest, client, "/v1/agreements", {"terms": terms}, 422, slug, field)


def test_the_largest_price_is_taken(world: World) -> None:
    largest = CompletedLine(
        payee="provider", category=1, unit_price_minor=2**64 - 1, free_units=2**64 - 1
    )
    agreement = world.propose(world.make_terms((largest,)))
    [shown] = world.show_agreement(agreement)["terms"]["lines"]
    assert (shown["unitPrice"], shown["freeUnits"]) == (2**64 - 1, 2**64 - 1)


@pytest.mark.parametrize("name", ["documentHash", "policyHash"])
def test_terms_about_another_document_are_refused(at_rest: World, name: str) -> None:
    terms = {**TermsShape.of(at_rest.make_terms()).to_json(), name: to_hex(hash_of(1))}
    body = {"terms": terms, "document": at_rest.story.documents.contract_source}
    client = at_rest.provider.client
    slug = "document-hash-wrong"
    refused(at_rest, client, "/v1/agreements", body, 422, slug, f"terms.{name}")


def test_the_operator_proposes_for_nobody_who_has_not_delegated(at_rest: World) -> None:
    body = {"terms": TermsShape.of(at_rest.make_terms()).to_json()}
    client = at_rest.consumer.client
    refused(at_rest, client, "/v1/agreements", body, 409, "operator-not-delegated", None)


def test_a_proposer_who_is_no_party_is_refused(at_rest: World) -> None:
    body = {"terms": TermsShape.of(at_rest.make_terms()).to_json()}
    refused(at_rest, at_rest.operator, "/v1/agreements", body, 422, "not-party", "terms")


def test_the_same_terms_are_not_proposed_twice(world: World, at_rest: World) -> None:
    terms = TermsShape.of(world.terms[world.agreement]).to_json()
    client, body = world.provider.client, {"terms": terms}
    refused(world, client, "/v1/agreements", body, 409, "already-proposed", "terms")


def test_terms_on_their_way_are_not_proposed_twice(world: World) -> None:
    body = {"terms": TermsShape.of(world.make_terms()).to_json()}
    world.provider.client.post("/v1/agreements", body)
    answer = send(world.provider.client, "POST", "/v1/agreements", body)
    assert_problem(answer, 409, "already-proposed", "terms")


# -- signatures ------------------------------------------------------------------------------------


def signing_path(agreement: bytes) -> str:
    return f"/v1/agreements/{to_hex(agreement)}/signatures"


def test_a_signature_by_another_key_is_refused(world: World) -> None:
    agreement = world.propose(world.make_terms())
    body = world.signature_of(world.provider, agreement)
    forged = sign_digest(secrets.token_bytes(32), agreement)
    client, slug = world.provider.client, "agreement-signature-invalid"
    for signature in (to_hex(forged), "0x" + "00" * 65, "0x" + "ff" * 65):
        wrong = {**body, "signature": signature}
        refused(world, client, signing_path(agreement), wrong, 422, slug, "signature")
    short = {**body, "signature": "0x11"}
    refused(world, client, signing_path(agreement), short, 422, "request-invalid", "signature")


def test_a_signature_over_other_terms_is_refused(world: World) -> None:
    first, second = (world.propose(world.make_terms()) for _ in range(2))
    body = world.signature_of(world.provider, first)
    client, slug = world.provider.client, "agreement-signature-invalid"
    refused(world, client, signing_path(second), body, 422, slug, "signature")


def test_an_account_signs_for_its_own_organisation_alone(world: World) -> None:
    agreement = world.propose(world.make_terms())
    body = world.signature_of(world.provider, agreement, accepted_for=world.consumer.id)
    client = world.provider.client
    refused(world, client, signing_path(agreement), body, 422, "not-authorised", "signer")


def test_a_signature_for_one_party_is_none_for_another(world: World) -> None:
    agreement = world.propose(world.make_terms())
    body = world.signature_of(world.provider, agreement)
    body["organisation"] = to_hex(world.consumer.id)
    client, slug = world.provider.client, "agreement-signature-invalid"
    refused(world, client, signing_path(agreement), body, 422, slug, "signature")


def test_an_agreement_that_nobody_proposed_is_not_signed(at_rest: World) -> None:
    agreement = at_rest.id_of(at_rest.make_terms())
    body = at_rest.signature_of(at_rest.provider, agreement)
    client, slug = at_rest.provider.client, "agreement-not-found"
    refused(at_rest, client, signing_path(agreement), body, 404, slug, "agreement_id")
    answer = send(client, "GET", f"/v1/agreements/{to_hex(agreement)}")
    assert_problem(answer, 404, slug, None)


def test_each_party_is_told_what_it_signs(at_rest: World) -> None:
    provider, consumer = at_rest.provider, at_rest.consumer
    path = f"/v1/agreements/{to_hex(at_rest.agreement)}/acceptance"
    of_itself = provider.client.get(path)
    of_the_other = provider.client.get(path, organisation=to_hex(consumer.id))
    assert of_the_other == consumer.client.get(path) != of_itself
    for told, party in ((of_itself, provider), (of_the_other, consumer)):
        signed = party.sign(digest_of_typed_data(told["typedData"]))
        expected = at_rest.signature_of(party, at_rest.agreement)
        assert told["organisation"] == expected["organisation"]
        assert to_hex(signed) == expected["signature"]


def test_nobody_is_told_to_sign_what_is_not_theirs(at_rest: World) -> None:
    client = at_rest.provider.client
    unknown = f"/v1/agreements/{to_hex(at_rest.id_of(at_rest.make_terms()))}/acceptance"
    answer = send(client, "GET", unknown)
    assert_problem(answer, 404, "agreement-not-found", "agreement_id")
    path = f"/v1/agreements/{to_hex(at_rest.agreement)}/acceptance"
    stranger = f"{path}?organisation={to_hex(at_rest.story.stage.operator_id)}"
    for caller, asked in ((client, stranger), (at_rest.operator, path)):
        problem = assert_problem(send(caller, "GET", asked), 422, "not-party", "organisation")
        assert "Add ?organisation= with the id of a party" in problem["remedy"]
        assert problem["errors"][0]["remedy"] == problem["remedy"]


def test_a_party_signs_once(at_rest: World) -> None:
    body = at_rest.signature_of(at_rest.provider, at_rest.agreement)
    client, path = at_rest.provider.client, signing_path(at_rest.agreement)
    refused(at_rest, client, path, body, 409, "already-signed", "organisation")


def test_one_who_is_no_party_does_not_sign(at_rest: World) -> None:
    stage = at_rest.story.stage
    operator = stage.operator.get(f"/v1/participants/{to_hex(stage.operator_id)}")
    account = load_or_create_account(at_rest.node.settings.keys_dir, "operator")
    body = {
        "organisation": operator["organisationId"],
        "signer": account.address,
        "signature": to_hex(sign_digest(bytes(account.key), at_rest.agreement)),
    }
    path = signing_path(at_rest.agreement)
    refused(at_rest, stage.operator, path, body, 422, "not-party", "organisation")
