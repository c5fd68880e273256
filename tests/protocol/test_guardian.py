"""A guardian signs along with a minor: both signatures stand together, or the record does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from protocol.assurance import Assurance
from protocol.commitments import CURVE_ORDER, blinding_from_bytes, commit
from protocol.consent_request import Asked, Purpose, check_answer
from protocol.errors import AnswerInvalid, HolderKeyInvalid, RecordInvalid
from protocol.hashing import sha256
from protocol.holder_keys import SCAN_GAP, address_of, derive_guardian_key, derive_holder_key
from protocol.record import Record, check_record, document_digest, from_json, to_json
from protocol.signatures import sign_digest
from protocol.signing import consent_grant_digest
from protocol.types import AccountAddress, HolderAddress, UnixSeconds
from tests.protocol.consent_examples import (
    CHAIN_ID,
    HOLDER_SECRET,
    REGISTRY,
    document_example,
    entry_example,
    record_example,
)

GUARDIAN_SECRET = sha256(b"guardian")
seeds = st.one_of(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
holders = st.binary(min_size=20, max_size=20).map(HolderAddress)
secrets = st.binary(min_size=1, max_size=20).map(sha256)


def guarded(guardian_secret: bytes, holder_secret: bytes = HOLDER_SECRET) -> Record:
    """A record in which the guardian is named, and both have signed."""
    guardian = AccountAddress(address_of(guardian_secret))
    document = replace(document_example(Assurance.SIGNED), guardian=guardian)
    blinding = blinding_from_bytes(sha256(b"blinding"))
    entry = replace(
        entry_example(commit(document_digest(document), blinding)), holder=address_of(holder_secret)
    )
    digest = consent_grant_digest(entry, CHAIN_ID, REGISTRY)
    return replace(
        record_example(Assurance.SIGNED),
        document=document,
        entry=entry,
        grant_signature=sign_digest(holder_secret, digest),
        guardian_signature=sign_digest(guardian_secret, digest),
    )


def refused(record: Record, words: str) -> None:
    with pytest.raises(RecordInvalid, match=words):
        check_record(record)


@given(secrets.filter(lambda each: each != HOLDER_SECRET))
def test_both_signatures_prove_what_the_holders_alone_proves(secret: bytes) -> None:
    record = guarded(secret)
    assert check_record(record).assurance is Assurance.SIGNED
    assert from_json(to_json(record)) == record


def test_without_a_guardian_the_document_is_what_it_was() -> None:
    record = record_example(Assurance.SIGNED)
    assert "guardian" not in to_json(record)["document"]
    assert "guardianSignature" not in to_json(record)


@given(secrets)
def test_neither_signature_stands_alone_or_for_another(secret: bytes) -> None:
    record = guarded(GUARDIAN_SECRET)
    unnamed = replace(record.document, guardian=None)
    refused(replace(record, guardian_signature=None), "none signed")
    refused(replace(record, document=unnamed), "another document")
    refused(replace(record, document=unnamed, guardian_signature=None), "another document")
    plain = record_example(Assurance.SIGNED)
    digest = consent_grant_digest(plain.entry, CHAIN_ID, REGISTRY)
    refused(replace(plain, guardian_signature=sign_digest(secret, digest)), "none signed")
    if secret == GUARDIAN_SECRET:
        return
    other = sign_digest(secret, consent_grant_digest(record.entry, CHAIN_ID, REGISTRY))
    refused(replace(record, guardian_signature=other), "guardian's key")
    named = replace(record.document, guardian=AccountAddress(address_of(secret)))
    refused(replace(record, document=named, guardian_signature=other), "another document")


@given(st.integers(0, 63), st.integers(0, 7))
def test_no_bit_of_the_signature_may_change(place: int, bit: int) -> None:
    record = guarded(GUARDIAN_SECRET)
    assert record.guardian_signature is not None
    damaged = bytearray(record.guardian_signature)
    damaged[place] ^= 1 << bit
    refused(replace(record, guardian_signature=bytes(damaged)), "guardian's key")


def test_a_guardian_is_another_key_and_signs_along_with_the_holder_alone() -> None:
    refused(guarded(HOLDER_SECRET), "is the holder's")
    refused(replace(guarded(GUARDIAN_SECRET), grant_signature=None), "did not sign")


@given(seeds, holders)
def test_the_key_of_a_guardian_follows_the_formula(seed: bytes, holder: HolderAddress) -> None:
    info = b"ptx-ledger/guardian/v1" + holder
    material = HKDF(algorithm=SHA256(), length=48, salt=None, info=info).derive(seed)
    expected = 1 + int.from_bytes(material) % (CURVE_ORDER - 1)
    assert int.from_bytes(derive_guardian_key(seed, holder)) == expected


@given(seeds, holders, holders)
def test_it_never_recurs_and_is_no_holders(
    seed: bytes, one: HolderAddress, other: HolderAddress
) -> None:
    own = {derive_holder_key(seed, index) for index in range(SCAN_GAP)}
    assert derive_guardian_key(seed, one) not in own
    assert (one == other) == (derive_guardian_key(seed, one) == derive_guardian_key(seed, other))


def test_a_seed_of_another_length_makes_no_key() -> None:
    with pytest.raises(HolderKeyInvalid):
        derive_guardian_key(bytes(33), HolderAddress(bytes(20)))


@pytest.mark.parametrize("guardian_signs", [True, False])
def test_an_answer_may_have_a_guardian_and_has_one_where_it_must(guardian_signs: bool) -> None:
    record, alone = guarded(GUARDIAN_SECRET), record_example(Assurance.SIGNED)
    document, entry = alone.document, alone.entry
    asked = Asked(
        issuer=entry.issuer,
        agreement_id=entry.agreement_id,
        valid_from=UnixSeconds(entry.valid_from),
        valid_until=UnixSeconds(entry.valid_until),
        minimum=Assurance.SIGNED,
        purposes=(Purpose(document.receipt, document.notice, document.recipients),),
        guardian_signs=guardian_signs,
    )
    assert check_answer(asked, [record]) == (0,)
    if not guardian_signs:
        assert check_answer(asked, [alone]) == (0,)
        return
    with pytest.raises(AnswerInvalid) as caught:
        check_answer(asked, [alone])
    assert caught.value.where == "records.0.document.guardian"
