"""What an agreement can be made of: contracts and entries of the catalogue, and what they lack."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.api.organisation.agreement_form import imported_form, read_draft
from node.intake.contract_import import ImportedParty, understand
from protocol.canonical import digest_of
from protocol.errors import DocumentUnreadable
from tests.stage import EXAMPLES

FOLDER = EXAMPLES / "prometheus-x"
OFFERING: dict[str, Any] = {
    "@type": "ServiceOffering",
    "_id": "o1",
    "name": "skills",
    "providedBy": "https://a.example/participants/1",
    "policy": [],
    "costPerAPICall": 0.05,
    "currency": "EUR",
}
OWN = "did:web:school.example"


def test_a_bilateral_contract() -> None:
    source, understood = understand((FOLDER / "bilateral-contract.json").read_bytes())
    assert understood.kind == "bilateral"
    assert [each.role for each in understood.parties] == ["provider", "consumer"]
    assert ("policies", str(len(source["policy"]))) in understood.facts
    assert "purpose" in dict(understood.facts)
    assert {"validity", "lines"} <= set(understood.missing)
    assert "signatures" in understood.not_taken
    assert understood.is_document


def test_a_participant_is_a_party_and_no_document() -> None:
    source, understood = understand((FOLDER / "catalog.consumer.json").read_bytes())
    assert understood.parties == (ImportedParty(source["_id"], ""),)
    assert not understood.is_document
    _, known = understand(json.dumps({**source, "did": "did:web:a"}).encode())
    assert known.parties[0].did == "did:web:a"
    _, odd = understand(json.dumps({**source, "did": 3}).encode())
    assert odd.parties[0].did is None


def test_a_price_in_euros_is_taken_over_and_no_other() -> None:
    _, understood = understand(json.dumps(OFFERING).encode())
    assert understood.use_price == Decimal("0.05")
    assert "lines" not in understood.missing
    _, dollars = understand(json.dumps({**OFFERING, "currency": "USD"}).encode())
    assert dollars.use_price is None
    assert "lines" in dollars.missing
    assert "currency" in dollars.not_taken
    assert ("price", "0.05 USD") in dollars.facts


def test_what_was_understood_is_filled_in() -> None:
    source, understood = understand((FOLDER / "bilateral-contract.json").read_bytes())
    provider, consumer = (each.catalogue_id for each in understood.parties)
    dids = {provider: OWN, consumer: "did:web:employer.example"}
    fields = imported_form(understood, dids, OWN, 1_800_000_000)
    assert (fields["party-1"], fields["line-1-payee"]) == ("did:web:employer.example", OWN)
    draft = read_draft({**fields, "document": json.dumps(source)}, OWN)
    assert draft.terms.document_hash == digest_of(source)
    assert draft.terms.policy_hash == digest_of(source["policy"])
    _, offer = understand(json.dumps(OFFERING).encode())
    offered = imported_form(offer, {"1": "did:web:seller.example"}, OWN, 1_800_000_000)
    assert offered["party-1"] == offered["line-1-payee"] == "did:web:seller.example"
    assert offered["line-1-price"] == "0.05"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"piiProcessing": {}}',
        b'{"dataProvider": "a"}',
        b'{"members": {}, "serviceOfferings": []}',
        b'{"legalName": "A"}',
        b'{"@type": "ServiceOffering"}',
    ],
)
def test_what_is_none_of_these_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        understand(content)


def test_every_published_file_is_understood_or_refused() -> None:
    folder = Path(os.environ.get("PTX_SAMPLES", "")) / "prometheus-x"
    if not folder.is_dir():
        pytest.skip("PTX_SAMPLES does not name a folder with the published samples")
    kinds = {}
    for path in folder.glob("*.json"):
        try:
            _, understood = understand(path.read_bytes())
        except DocumentUnreadable:
            continue
        kinds[path.name.partition(".")[0] + understood.kind] = len(understood.parties)
    assert kinds == {
        "bilateral-contractbilateral": 2,
        "ecosystem-contractecosystem": 2,
        "catalogParticipant": 1,
        "catalogServiceOffering": 1,
        "catalogDataResource": 1,
        "catalogSoftwareResource": 1,
    }
