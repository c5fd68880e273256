"""The form of an agreement: fields become terms and a document, and terms become fields again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api.organisation.agreement_form import (
    Draft,
    empty_form,
    filled_form,
    line_rows,
    party_rows,
    read_draft,
)
from node.problems import Problem
from protocol.agreement import PriceLine
from protocol.assurance import Assurance, required_by_policies
from protocol.canonical import digest_of
from protocol.identifiers import organisation_id
from protocol.types import ZERO_HASH, AmountMinor, Category, OrganisationId, Units, to_hex

OWN, OTHER, THIRD = "did:web:school.example", "did:web:employer.example", "did:ebsi:third"
TODAY = int(datetime(2026, 11, 27, 15, tzinfo=UTC).timestamp())


def filled(**changes: str) -> dict[str, str]:
    """A form that is complete."""
    return {
        **empty_form(OWN, TODAY),
        "party-1": OTHER,
        "line-1-category": "2",
        "line-1-price": "0,05",
        "purposes": "career guidance\r\nfollow-up",
        **{name.replace("_", "-"): text for name, text in changes.items()},
    }


def faults(**changes: str) -> dict[str, str]:
    with pytest.raises(Problem) as told:
        read_draft(filled(**changes), OWN)
    assert told.value.slug == "request-invalid"
    return {error.field: error.remedy for error in told.value.errors}


def test_fields_become_terms_and_a_document() -> None:
    draft = read_draft(filled(line_1_free="3", minimumAssurance="identified"), OWN)
    terms, document = draft.terms, draft.document
    own = organisation_id(OWN)
    assert terms.parties == tuple(sorted((own, organisation_id(OTHER))))
    assert terms.lines == (
        PriceLine(OrganisationId(own), Category(2), AmountMinor(50_000), Units(3)),
    )
    assert (terms.valid_from, terms.valid_until) == tuple(
        int(datetime(year, 11, 27, tzinfo=UTC).timestamp()) for year in (2026, 2027)
    )
    assert (terms.rulebook, terms.parent) == (ZERO_HASH, ZERO_HASH)
    assert terms.document_hash == digest_of(document)
    assert terms.policy_hash == digest_of(document["policy"])
    assert document["purpose"] == [{"purpose": "career guidance"}, {"purpose": "follow-up"}]
    assert required_by_policies([document]) is Assurance.IDENTIFIED


def test_the_hash_of_a_document_is_not_that_of_another_with_the_same_words() -> None:
    """So nobody finds out by trying what stands behind a hash on the chain."""
    one, other = (read_draft(filled(), OWN) for _ in range(2))
    assert one.terms.document_hash != other.terms.document_hash
    assert one.document["salt"] != to_hex(one.terms.salt), "which the chain shows"


def test_the_same_fields_are_the_same_terms() -> None:
    fields = filled()
    assert read_draft(fields, OWN) == read_draft(fields, OWN)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"party_1": ""}, {"party-1"}),
        ({"line_1_price": "1.2345678"}, {"line-1-price"}),
        ({"line_1_price": "-1"}, {"line-1-price"}),
        ({"line_1_price": "1e3"}, {"line-1-price"}),
        ({"line_1_payee": THIRD, "line_1_free": "x"}, {"line-1-payee", "line-1-free"}),
        ({"line_1_category": ""}, {"line-1-category"}),
        ({"purposes": " \r\n "}, {"purposes"}),
        ({"minimumAssurance": "certain"}, {"minimumAssurance"}),
        ({"validFrom": "today", "validUntil": ""}, {"validFrom", "validUntil"}),
        ({"rulebook": "0x12"}, {"rulebook"}),
        ({"document": "no JSON"}, {"document"}),
        ({"document": "[]"}, {"document"}),
        ({"document": '{"a": 1e400}'}, {"document"}),
        ({"document": '{"a": 9007199254740993}'}, {"document"}),
    ],
)
def test_every_field_that_is_wrong_is_named(changes: dict[str, str], wrong: set[str]) -> None:
    found = faults(**changes)
    assert found.keys() == wrong
    assert all(found.values())


def test_a_row_without_a_price_is_no_line_and_a_party_named_twice_is_one() -> None:
    fields = filled(line_1_price="", party_2=OTHER, party_3=THIRD, line_2_price="")
    draft = read_draft(fields, OWN)
    assert draft.terms.lines == ()
    assert len(draft.terms.parties) == 3
    assert (party_rows(fields), line_rows({"line-7-payee": ""})) == (3, 7)
    assert (party_rows({"party-99": ""}), line_rows({"line-99-payee": ""})) == (31, 32)


def test_an_own_document_gives_the_hashes_and_the_policy() -> None:
    policy = [{"permission": [{"action": "use"}]}]
    source = {"_id": "c1", "policy": policy, "é": 1.5}
    draft = read_draft(filled(document=json.dumps(source), purposes=""), OWN)
    assert draft.document == source
    assert draft.terms.document_hash == digest_of(source)
    assert draft.terms.policy_hash == digest_of(policy)
    offering = {"policies": policy}
    ecosystem = {"serviceOfferings": [offering, offering]}
    draft = read_draft(filled(document=json.dumps(ecosystem)), OWN)
    assert draft.terms.policy_hash == digest_of([*policy, *policy])


def again(draft: Draft, **changes: Any) -> dict[str, str]:
    """The form with the draft's terms."""
    own = OrganisationId(organisation_id(OWN))
    terms = replace(draft.terms, **changes)
    return filled_form(terms, draft.document, own, draft.dids, TODAY)


@given(
    price=st.integers(1, 10**15),
    free=st.integers(0, 10**17),
    category=st.integers(0, 2**16 - 1),
    assurance=st.sampled_from(Assurance),
)
def test_terms_become_fields_that_give_the_same_terms(
    price: int, free: int, category: int, assurance: Assurance
) -> None:
    draft = read_draft(filled(minimumAssurance=assurance.value, rulebook="0x" + "5a" * 32), OWN)
    line = replace(
        draft.terms.lines[0],
        unit_price=AmountMinor(price),
        free_units=Units(free),
        category=Category(category),
    )
    fields = again(draft, lines=(line, line))
    read = read_draft(fields, OWN)
    assert read.terms.lines == (line, line)
    assert read.terms.parties == draft.terms.parties
    assert read.terms.rulebook == draft.terms.rulebook
    assert read.terms.salt != draft.terms.salt
    assert read.document["policy"] == draft.document["policy"]


def test_a_document_of_somebody_else_is_carried_whole() -> None:
    source = {"policy": [{"permission": [{"action": "use", "constraint": []}]}], "x": 1}
    draft = read_draft(filled(document=json.dumps(source)), OWN)
    assert json.loads(again(draft)["document"]) == source
