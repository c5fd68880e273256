"""A consent receipt becomes records, one for each purpose: document, commitment, entry, leaf."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from protocol.assurance import Assurance
from protocol.commitments import blinding_from_randomness, commit
from protocol.entries import Entry, leaf_of
from protocol.holder_keys import address_of
from protocol.prometheus_x import PurposeReading, complete_document
from protocol.record import Document, Record, document_digest
from protocol.signatures import sign_digest
from protocol.signing import consent_grant_digest, withdrawal_digest
from protocol.slip import Slip
from protocol.types import (
    AgreementId,
    ContractAddress,
    HolderAddress,
    OrganisationId,
    UnixSeconds,
)

BLINDING_RANDOM_BYTES = 48


def make_entry(
    document: Document,
    agreement_id: AgreementId,
    issuer: OrganisationId,
    holder: HolderAddress,
    valid_from: int,
    valid_until: int,
) -> tuple[Entry, int]:
    """An entry that commits to the document under a fresh blinding, and the blinding."""
    blinding = blinding_from_randomness(secrets.token_bytes(BLINDING_RANDOM_BYTES))
    entry = Entry(
        agreement_id=agreement_id,
        issuer=issuer,
        holder=holder,
        valid_from=UnixSeconds(valid_from),
        valid_until=UnixSeconds(valid_until),
        commitment=commit(document_digest(document), blinding),
    )
    return entry, blinding


def signed_record(
    purpose: PurposeReading,
    recipients: Sequence[str],
    group_id: str,
    agreement_id: AgreementId,
    issuer: OrganisationId,
    holder_secret: bytes,
    valid_from: int,
    valid_until: int,
    chain_id: int,
    registry: ContractAddress,
) -> Record:
    """A record whose grant the learner's one-time key signed."""
    document = complete_document(purpose, recipients, Assurance.SIGNED)
    holder = address_of(holder_secret)
    entry, blinding = make_entry(document, agreement_id, issuer, holder, valid_from, valid_until)
    digest = consent_grant_digest(entry, chain_id, registry)
    return Record(
        chain_id=chain_id,
        registry=registry,
        document=document,
        blinding=blinding,
        entry=entry,
        grant_signature=sign_digest(holder_secret, digest),
        group_id=group_id,
    )


def attested_record(
    purpose: PurposeReading,
    recipients: Sequence[str],
    group_id: str,
    agreement_id: AgreementId,
    issuer: OrganisationId,
    valid_from: int,
    valid_until: int,
    chain_id: int,
    registry: ContractAddress,
) -> tuple[Record, Slip]:
    """A record on the issuer's word, and the withdrawal slip for the learner.

    The one-time key is made here, signs the slip, and is forgotten with this call.
    """
    secret = secrets.token_bytes(32)
    document = complete_document(purpose, recipients, Assurance.ATTESTED)
    entry, blinding = make_entry(
        document, agreement_id, issuer, address_of(secret), valid_from, valid_until
    )
    record = Record(
        chain_id=chain_id,
        registry=registry,
        document=document,
        blinding=blinding,
        entry=entry,
        group_id=group_id,
    )
    return record, signed_slip(record, secret)


def signed_slip(record: Record, holder_secret: bytes) -> Slip:
    """The withdrawal slip of a record: a bearer instrument, for the learner alone."""
    digest = withdrawal_digest(leaf_of(record.entry), record.chain_id, record.registry)
    signature = sign_digest(holder_secret, digest)
    return Slip(record.chain_id, record.registry, record.entry, signature)
