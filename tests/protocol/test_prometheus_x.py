"""Reading the association's documents: the published ones, and damaged ones of our own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from protocol.assurance import Assurance
from protocol.canonical import digest_of
from protocol.errors import DocumentUnreadable
from protocol.prometheus_x import (
    catalogue_id,
    complete_document,
    is_same_participant,
    read_bilateral_contract,
    read_consent_receipt,
    read_ecosystem_contract,
    read_participant,
)
from protocol.record import document_to_json
from protocol.types import Role
from tests.protocol.consent_examples import RECIPIENT_DID, receipt_example

PROVIDER, CONSUMER = "66d18724ee71f9f096bae810", "66d18a1dee71f9f096baec08"
BILATERAL: dict[str, Any] = {
    "_id": "c1",
    "status": "signed",
    "dataProvider": "https://a.example/participants/1",
    "dataConsumer": "https://a.example/participants/2",
    "policy": [{"permission": [{"action": "use"}]}],
    "signatures": [{"did": "https://a.example/participants/1", "value": "HasSigned"}],
}


@pytest.fixture
def published(samples: Path) -> Any:
    def read(name: str) -> Any:
        return json.loads((samples / "prometheus-x" / name).read_text(encoding="utf-8"))

    return read


def test_one_participant_is_the_same_under_every_host() -> None:
    addresses = (
        f"http://catalog:8082/v1/catalog/participants/{PROVIDER}",
        f"https://api.catalog.com/v1/catalog/participants/{PROVIDER}",
        f"http://host.docker.internal:4040/v1/catalog/participants/{PROVIDER}/",
        PROVIDER,
    )
    assert {catalogue_id(address) for address in addresses} == {PROVIDER}
    assert is_same_participant(addresses[0], addresses[3])
    assert not is_same_participant(PROVIDER, CONSUMER)


def test_the_published_participant(published: Any) -> None:
    found = read_participant(published("catalog.consumer.json"))
    assert (found.name, found.catalogue_id, found.did) == ("ParticipantOne", CONSUMER, None)
    assert found.missing == ("did", "url", "roles")


def test_a_participant_with_a_did_and_address_lacks_roles_alone() -> None:
    value = {"_id": "1", "legalName": "A", "did": "did:web:a", "selfDescriptionURL": "https://a/1"}
    found = read_participant(value)
    assert (found.did, found.url, found.missing) == ("did:web:a", "https://a/1", ("roles",))


def test_the_published_bilateral_contract(published: Any) -> None:
    value = published("bilateral-contract.66e84e6fa000b970362d952e.json")
    found = read_bilateral_contract(value)
    assert [catalogue_id(url) for url in found.party_urls] == [PROVIDER, CONSUMER]
    assert found.policy_hash == digest_of(value["policy"])
    assert found.document_hash == digest_of(value)
    assert {signature.value for signature in found.signatures} == {"HasSigned"}
    assert "lines" in found.missing
    assert f"did of {PROVIDER}" in found.missing


def test_the_published_ecosystem_contract(published: Any) -> None:
    value = published("ecosystem-contract.66db1a6dc29e3ba863a85e0f.json")
    found = read_ecosystem_contract(value)
    assert [catalogue_id(url) for url in found.party_urls] == [PROVIDER, CONSUMER]
    assert len(found.policies) == 3
    assert found.policy_hash == digest_of(list(found.policies))


def test_the_published_receipt(published: Any) -> None:
    found = read_consent_receipt(published("consent-receipt.ptx-0.2.0.json"))
    assert found.group_id == "67351e16038969dfa74a662e"
    assert found.given_at == int(datetime(2024, 11, 13, 17, 17, 16, tzinfo=UTC).timestamp())
    assert [(p.catalogue_id, p.roles) for p in found.parties] == [
        (CONSUMER, Role.CONSUMER),
        (PROVIDER, Role.PROVIDER),
    ]
    (purpose,) = found.purposes
    assert purpose.purpose == "consumer consent data"
    document = complete_document(purpose, [RECIPIENT_DID], Assurance.ATTESTED)
    assert document_to_json(document)["notice"]["reference"] == "6734ce6eb36f3b579c928548"


def test_several_purposes_become_several_drafts_of_one_group() -> None:
    source = receipt_example("one", "two", "three")
    found = read_consent_receipt(source)
    assert found.group_id == "r-1"
    assert [draft.purpose for draft in found.purposes] == ["one", "two", "three"]
    documents = [complete_document(d, [], Assurance.ATTESTED) for d in found.purposes]
    assert len({digest_of(document_to_json(document)) for document in documents}) == 3
    assert len(source["piiProcessing"]["purposes"]) == 3
    assert {"recipients", "assurance", "validUntil"} <= set(found.purposes[0].missing)


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key != name}


@pytest.mark.parametrize("name", ["_id", "status", "dataProvider", "policy", "signatures"])
def test_a_contract_without_a_field_is_unreadable(name: str) -> None:
    with pytest.raises(DocumentUnreadable):
        read_bilateral_contract(without(BILATERAL, name))


def test_receipts_of_other_versions_or_without_consent_are_unreadable() -> None:
    good = receipt_example("one")
    old = {**good, "record": {**good["record"], "schemaVersion": "0.1.0"}}
    refused = {**good, "event": [{**good["event"][0], "eventState": "refused"}]}
    timeless = {**good, "event": [{**good["event"][0], "eventTime": "yesterday"}]}
    others: list[Any] = [old, refused, timeless, receipt_example(), {}, [], None]
    for wrong in others:
        with pytest.raises(DocumentUnreadable):
            read_consent_receipt(wrong)


@pytest.mark.parametrize("value", [None, 3, [], {}, {"_id": ""}, {"_id": 4, "legalName": "A"}])
def test_other_values_are_no_participant(value: Any) -> None:
    with pytest.raises(DocumentUnreadable):
        read_participant(value)


def test_a_time_without_a_zone_is_utc() -> None:
    good = receipt_example("one")
    bare = {**good, "event": [{**good["event"][0], "eventTime": "2026-09-01T08:30:00"}]}
    assert read_consent_receipt(bare).given_at == read_consent_receipt(good).given_at
