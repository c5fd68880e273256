"""Proof bundles: a whole one verifies, and each kind of damage fails its own section."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.agreement import AgreementFacts, AgreementState, Terms
from protocol.assurance import Assurance
from protocol.bundle_verification import NODE_WORD, Result, is_refuted, verify_bundle
from protocol.consent import Endings
from protocol.entries import leaf_of
from protocol.errors import SchemaInvalid
from protocol.hashing import sha256
from protocol.identifiers import organisation_id
from protocol.merkle import inclusion_path, leaf_hash, root_of
from protocol.proof_bundle import (
    AgreementEvidence,
    AsOf,
    ChainProofs,
    Inclusion,
    build_bundle,
    read_agreement,
    read_as_of,
    read_consent_facts,
    read_inclusion,
)
from protocol.record import Record
from protocol.signing import agreement_id_of, consent_grant_digest, sign_digest
from protocol.types import AgreementId, ContractAddress, Hash32, UnixSeconds
from tests.protocol.consent_examples import (
    CHAIN_ID,
    HOLDER_SECRET,
    ISSUER_DID,
    RECIPIENT_DID,
    REGISTRY,
    binding_example,
    record_example,
)

AGREEMENTS = ContractAddress(b"\x0a" * 20)
TERMS = Terms(
    parties=tuple(sorted(organisation_id(did) for did in (ISSUER_DID, RECIPIENT_DID))),
    valid_from=UnixSeconds(1_700_000_000),
    valid_until=UnixSeconds(2_000_000_000),
    policy_hash=Hash32(bytes(32)),
    document_hash=Hash32(bytes(32)),
    rulebook=Hash32(bytes(32)),
    parent=AgreementId(bytes(32)),
    salt=Hash32(bytes(32)),
    lines=(),
)
NOT_ENDED = Endings()
NO_PROOFS = ChainProofs()
ANCHORED_AT = UnixSeconds(1_800_000_100)
AS_OF = AsOf(77, Hash32(sha256(b"block")), UnixSeconds(1_800_001_000))


def evidence(terms: Terms | None = TERMS) -> AgreementEvidence:
    history = (
        (UnixSeconds(1_750_000_000), AgreementState.PROPOSED),
        (UnixSeconds(1_750_000_500), AgreementState.ACTIVE),
    )
    facts = AgreementFacts(TERMS.parties, TERMS.valid_from, TERMS.valid_until, history)
    agreement_id = agreement_id_of(TERMS, CHAIN_ID, AGREEMENTS)
    return AgreementEvidence(agreement_id, AGREEMENTS, facts, terms)


def record_under_agreement(assurance: Assurance) -> Record:
    record = record_example(assurance)
    entry = replace(record.entry, agreement_id=evidence().agreement_id)
    grant = sign_digest(HOLDER_SECRET, consent_grant_digest(entry, CHAIN_ID, REGISTRY))
    return replace(record, entry=entry, grant_signature=grant if record.grant_signature else None)


def inclusion_of(record: Record) -> Inclusion:
    leaves = [leaf_hash(bytes([n])) for n in range(8)]
    leaves[5] = leaf_of(record.entry)
    return Inclusion(
        issuer=record.entry.issuer,
        root=root_of(leaves),
        size=8,
        index=5,
        path=inclusion_path(leaves, 5),
        first_index=64,
        anchored_at=ANCHORED_AT,
        block_number=70,
        transaction_hash=Hash32(bytes(32)),
    )


def bundle_of(
    assurance: Assurance = Assurance.SIGNED,
    endings: Endings = NOT_ENDED,
    terms: Terms | None = TERMS,
    proofs: ChainProofs = NO_PROOFS,
) -> dict[str, Any]:
    record = record_under_agreement(assurance)
    built = build_bundle(
        record, inclusion_of(record), endings, AS_OF, evidence(terms), proofs=proofs
    )
    return dict(json.loads(json.dumps(built)))


def results(bundle: Any) -> dict[str, Result]:
    return {section.name: section.result for section in verify_bundle(bundle)}


def test_a_whole_bundle_is_right_wherever_it_can_be_checked() -> None:
    sections = verify_bundle(bundle_of())
    assert not is_refuted(sections)
    assert {s.name for s in sections if s.result is Result.OK} == {
        "format",
        "document",
        "grant signature",
        "assurance",
        "leaf",
        "inclusion",
        "agreement",
    }
    told = {s.name: s.detail for s in sections if s.result is Result.NOT_CHECKED}
    assert told.keys() == {"anchor", "endings", "status", "state proof", "block header", "seals"}
    assert all(NODE_WORD in told[name] for name in ("anchor", "endings", "status"))
    assert told["status"].startswith("active as of block 77")
    assert told["seals"] == "absent"


def test_a_withdrawn_consent_reads_withdrawn() -> None:
    endings = Endings(withdrawn_at=UnixSeconds(1_800_000_500))
    sections = {s.name: s.detail for s in verify_bundle(bundle_of(endings=endings))}
    assert sections["status"].startswith("withdrawn as of block 77")
    assert "withdrawnAt 1800000500" in sections["endings"]


def test_an_attested_consent_says_whose_word_it_is() -> None:
    sections = {s.name: s for s in verify_bundle(bundle_of(Assurance.ATTESTED))}
    assert sections["grant signature"].result is Result.NOT_CHECKED
    assert "issuer's word" in sections["grant signature"].detail
    assert sections["assurance"].detail == "attested"


def test_without_terms_the_agreement_is_not_checked() -> None:
    assert results(bundle_of(terms=None))["agreement"] is Result.NOT_CHECKED


def test_chain_proofs_that_are_present_are_not_passed_off_as_checked() -> None:
    proofs = ChainProofs([{"address": "0x"}], b"\xc0", ([bytes(20)], [bytes(65)]))
    sections = {s.name: s for s in verify_bundle(bundle_of(proofs=proofs))}
    for name in ("state proof", "block header", "seals"):
        assert sections[name].result is Result.NOT_CHECKED
        assert sections[name].detail.startswith("present")


def set_to(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(bundle: Any) -> None:
        *way, last = path
        for step in way:
            bundle = bundle[step]
        bundle[last] = value

    return change


ZERO = "0x" + "00" * 32


@pytest.mark.parametrize(
    ("section", "damage"),
    [
        ("format", set_to("format", value="other")),
        ("format", set_to("extra", value=1)),
        ("format", set_to("record", "entry", value="0x" + "00" * 123)),
        ("record", set_to("record", "blinding", value="0x" + "00" * 31 + "01")),
        ("record", set_to("record", "document", "assurance", value="attested")),
        ("record", set_to("record", "document", "notice", "reference", value="another")),
        ("record", set_to("record", "grantSignature", value="0x" + "11" * 65)),
        ("leaf", set_to("leaf", value=ZERO)),
        ("leaf", set_to("registry", value="0x" + "00" * 20)),
        ("leaf", set_to("chainId", value=6)),
        ("inclusion", set_to("inclusion", "issuer", value="0x" + "00" * 20)),
        ("inclusion", set_to("inclusion", "root", value=ZERO)),
        ("inclusion", set_to("inclusion", "index", value=4)),
        ("inclusion", set_to("inclusion", "size", value=4)),
        ("inclusion", set_to("inclusion", "path", 0, value=ZERO)),
        ("anchor", set_to("inclusion", "anchoredAt", value=1_900_000_000)),
        ("anchor", set_to("inclusion", "blockNumber", value=78)),
        ("endings", set_to("endings", "revokedAt", value=1_900_000_000)),
        ("agreement", set_to("agreement", "agreementId", value=ZERO)),
        ("agreement", set_to("agreement", "registry", value="0x" + "00" * 20)),
        ("agreement", set_to("agreement", "validFrom", value="5")),
        ("agreement", set_to("agreement", "terms", "salt", value="0x" + "01" * 32)),
        ("status", set_to("agreement", "history", 0, "time", value=1_799_999_999)),
    ],
)
def test_each_kind_of_damage_fails_its_section(
    section: str, damage: Callable[[dict[str, Any]], None]
) -> None:
    bundle = bundle_of()
    damage(bundle)
    found = results(bundle)
    assert found[section] is Result.FAILED
    assert is_refuted(verify_bundle(bundle))


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to every field of a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in pairs:
        yield (*way, key)
        if isinstance(each, dict | list):
            yield from places(each, (*way, key))


WHOLE = bundle_of()
ODD_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 2**53, 1.5, "", "0x", ZERO, "18446744073709551616", [], {}, [[]]]
)


@given(st.sampled_from(sorted(places(WHOLE), key=str)), ODD_VALUES)
def test_whatever_stands_in_a_field_the_verifier_answers(way: tuple[Any, ...], value: Any) -> None:
    bundle = deepcopy(WHOLE)
    set_to(*way, value=value)(bundle)
    sections = verify_bundle(bundle)
    assert sections
    committed = way[0] in ("record", "leaf") and way != ("record", "groupId")
    assert is_refuted(sections) or bundle == WHOLE or not committed


def test_an_identified_consent_names_what_must_be_looked_up() -> None:
    binding = binding_example(credential_issuer="did:ebsi:zuniversity")
    record = record_example(Assurance.IDENTIFIED, binding)
    built = build_bundle(record, inclusion_of(record), Endings(), AS_OF, evidence())
    sections = {s.name: s for s in verify_bundle(built)}
    assert sections["assurance"].result is Result.NOT_CHECKED
    assert "did:ebsi:zuniversity" in sections["assurance"].detail


def test_a_bundle_reads_back() -> None:
    endings = Endings(revoked_at=UnixSeconds(1_800_000_500))
    record, bundle = record_under_agreement(Assurance.SIGNED), bundle_of(endings=endings)
    assert read_inclusion(bundle) == inclusion_of(record)
    assert read_as_of(bundle) == AS_OF
    assert read_agreement(bundle) == evidence()
    assert read_consent_facts(bundle).endings == endings
    assert read_consent_facts(bundle).anchored_at == ANCHORED_AT


@pytest.mark.parametrize("value", [None, [], 1, "bundle", {}])
def test_what_is_no_bundle_fails_in_one_section(value: Any) -> None:
    sections = verify_bundle(value)
    assert [(s.name, s.result) for s in sections] == [("format", Result.FAILED)]


def test_a_bundle_that_fits_no_schema_is_not_written() -> None:
    record = record_under_agreement(Assurance.SIGNED)
    place = replace(inclusion_of(record), size=0)
    with pytest.raises(SchemaInvalid):
        build_bundle(record, place, Endings(), AS_OF, evidence())


def test_verifying_does_not_change_the_bundle() -> None:
    bundle = bundle_of()
    before = deepcopy(bundle)
    verify_bundle(bundle)
    assert bundle == before
