"""Consent records: strict JSON, the commitment, the assurance claimed and proven."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol.assurance import Assurance, HolderBinding, read_credential
from protocol.canonical import digest_of
from protocol.did_key import key_of_did
from protocol.errors import CommitmentInvalid, EntryInvalid, RecordInvalid, SchemaInvalid
from protocol.identifiers import organisation_id
from protocol.record import (
    Record,
    check_record,
    document_digest,
    document_from_json,
    document_to_json,
    from_json,
    recipient_ids,
    to_json,
)
from protocol.types import HolderAddress
from tests.protocol.consent_examples import (
    ISSUER_DID,
    RECIPIENT_DID,
    binding_example,
    did_key_of,
    document_example,
    private_key,
    receipt_example,
    record_example,
)


@pytest.mark.parametrize(
    ("assurance", "binding"),
    [
        (Assurance.ATTESTED, None),
        (Assurance.SIGNED, None),
        (Assurance.IDENTIFIED, binding_example()),
        (Assurance.IDENTIFIED, binding_example(curve="secp256k1")),
    ],
)
def test_a_record_proves_the_assurance_that_it_claims(
    assurance: Assurance, binding: HolderBinding | None
) -> None:
    record = record_example(assurance, binding)
    found = check_record(record)
    assert (found.assurance, found.unchecked) == (assurance, ())
    assert from_json(to_json(record)) == record


@pytest.mark.parametrize("claimed", list(Assurance))
@pytest.mark.parametrize("proven", list(Assurance))
def test_a_claim_of_another_assurance_is_refused(claimed: Assurance, proven: Assurance) -> None:
    binding = binding_example() if proven is Assurance.IDENTIFIED else None
    record = record_example(claimed, binding)
    if proven is Assurance.ATTESTED:
        record = replace(record, grant_signature=None)
    else:
        signed = record_example(Assurance.SIGNED)
        record = (
            record
            if record.grant_signature
            else replace(record, grant_signature=signed.grant_signature)
        )
    if claimed is proven:
        check_record(record)
        return
    with pytest.raises(RecordInvalid):
        check_record(record)


def test_another_document_or_blinding_is_refused() -> None:
    record = record_example(Assurance.SIGNED)
    other = replace(record.document, recipients=())
    for wrong in (replace(record, document=other), replace(record, blinding=record.blinding + 1)):
        with pytest.raises(RecordInvalid, match="commitment"):
            check_record(wrong)


def test_a_signature_for_another_chain_or_holder_is_refused() -> None:
    record = record_example(Assurance.SIGNED)
    entry = replace(record.entry, holder=HolderAddress(bytes(20)))
    for wrong in (replace(record, chain_id=6), replace(record, entry=entry)):
        with pytest.raises(RecordInvalid, match="holder's key"):
            check_record(wrong)


def test_a_binding_by_another_key_is_refused() -> None:
    record = record_example(Assurance.IDENTIFIED, binding_example(signer="somebody"))
    with pytest.raises(RecordInvalid, match="not signed by did:key"):
        check_record(record)


def test_a_binding_without_the_holders_signature_is_refused() -> None:
    record = replace(record_example(Assurance.ATTESTED), holder_binding=binding_example())
    with pytest.raises(RecordInvalid):
        check_record(record)


def test_the_issuers_own_credential_identifies_nobody() -> None:
    record = record_example(Assurance.IDENTIFIED, binding_example(credential_issuer=ISSUER_DID))
    with pytest.raises(RecordInvalid, match="proves signed"):
        check_record(record)
    claimed = replace(record_example(Assurance.SIGNED), holder_binding=record.holder_binding)
    assert check_record(claimed).assurance is Assurance.SIGNED


def test_keys_that_must_be_looked_up_are_listed_and_not_believed() -> None:
    university = "did:ebsi:zuniversity"
    record = record_example(Assurance.IDENTIFIED, binding_example(credential_issuer=university))
    found = check_record(record)
    assert found.assurance is Assurance.SIGNED
    assert found.unchecked == (f"the credential by {university}",)
    key = key_of_did(did_key_of(private_key("university")))
    assert check_record(record, {university: key}).assurance is Assurance.IDENTIFIED
    wrong = key_of_did(did_key_of(private_key("somebody")))
    with pytest.raises(RecordInvalid):
        check_record(record, {university: wrong})


def test_a_credential_about_somebody_else_is_refused() -> None:
    binding = binding_example()
    other = did_key_of(private_key("somebody"))
    record = record_example(Assurance.IDENTIFIED, replace(binding, did=other))
    with pytest.raises(RecordInvalid, match="about"):
        check_record(record)


@pytest.mark.parametrize("token", ["", "a.b", "e30.e30.AA", "W10.W10.AA", "e30.x.AA", "e30.bm8.AA"])
def test_a_token_that_is_no_credential_is_refused(token: str) -> None:
    with pytest.raises(RecordInvalid):
        read_credential(token)


def test_the_digest_is_that_of_the_canonical_document() -> None:
    document = document_example(Assurance.SIGNED)
    assert document_digest(document) == digest_of(document_to_json(document))
    assert document_from_json(document_to_json(document)) == document
    assert recipient_ids(document) == (organisation_id(RECIPIENT_DID),)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The JSON of a record with one field set, or removed where the value is None."""
    record: Any = to_json(record_example(Assurance.IDENTIFIED, binding_example()))
    *way, last = path.split(".")
    place = record
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return dict(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("version", None),
        ("surname", "Curie"),
        ("chainId", 0),
        ("chainId", "5"),
        ("registry", "0x00"),
        ("entry", "0x" + "00" * 122),
        ("grantSignature", "0x" + "00" * 64),
        ("groupId", ""),
        ("document.extra", 1),
        ("document.assurance", "sworn"),
        ("document.recipients", ["school"]),
        ("document.recipients", [RECIPIENT_DID, RECIPIENT_DID]),
        ("document.notice.reference", None),
        ("document.notice.extra", 1),
        ("document.receipt", receipt_example("one", "two")),
        ("document.receipt", receipt_example()),
        ("document.receipt.record.schemaVersion", "0.1.0"),
        ("document.receipt.piiProcessing.purposes.0.extra", 1),
        ("holderBinding.did", "did:web:a"),
        ("holderBinding.credential", "no token"),
    ],
)
def test_json_that_breaks_the_schema_is_refused(path: str, value: Any) -> None:
    with pytest.raises(SchemaInvalid):
        from_json(changed(path, value))


@pytest.mark.parametrize("value", [None, 1, [], "", {}])
def test_json_that_is_no_record_is_refused(value: Any) -> None:
    with pytest.raises(SchemaInvalid):
        from_json(value)


def test_a_blinding_or_entry_out_of_range_is_refused() -> None:
    with pytest.raises(CommitmentInvalid):
        from_json(changed("blinding", "0x" + "00" * 32))
    with pytest.raises(EntryInvalid):
        from_json(changed("entry", "0x" + "00" * 123))


def test_a_record_that_fits_no_schema_is_not_written() -> None:
    record: Record = record_example(Assurance.SIGNED)
    with pytest.raises(SchemaInvalid):
        to_json(replace(record, chain_id=0))
    with pytest.raises(SchemaInvalid):
        document_to_json(replace(record.document, recipients=("school",)))


def test_the_published_receipt_fits_the_schema(samples: Path) -> None:
    file = samples / "prometheus-x" / "consent-receipt.ptx-0.2.0.json"
    document = {
        "receipt": json.loads(file.read_text(encoding="utf-8")),
        "notice": {"reference": "6734ce6eb36f3b579c928548"},
        "recipients": [RECIPIENT_DID],
        "assurance": "attested",
    }
    assert document_from_json(document).assurance is Assurance.ATTESTED
