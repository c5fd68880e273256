"""The record of a consent: what its holder and the parties keep off chain.

    record   = {version, chainId, registry, document, blinding, entry,
                grantSignature?, guardianSignature?, holderBinding?, groupId?}
    document = {receipt (exactly one purpose), notice, recipients, assurance, guardian?}

The entry commits to the document's canonical digest under the blinding, so whoever holds the
record can prove what was consented to, and nobody else can. Where a minor consents, the document
names the key of the parent or guardian who signs the same grant along: the holder's signature then
covers who that is, and neither signature stands without the other. Bytes are 0x-hexadecimal text in
JSON; the schemas `record` and `document` refuse unknown fields. The receipt is one of the
association's schema 0.2.0, after ISO/IEC TS 27560.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocol.assurance import Assurance, AssuranceFinding, HolderBinding, assess_assurance
from protocol.canonical import canonicalise, digest_of
from protocol.commitments import blinding_from_bytes, blinding_to_bytes, opens
from protocol.did_key import PublicKey
from protocol.entries import Entry, decode_entry, encode_entry, leaf_of
from protocol.errors import CommitmentInvalid, EntryInvalid, RecordInvalid, RecordTooLarge
from protocol.identifiers import organisation_id
from protocol.schemas import validate
from protocol.signatures import is_signed_by
from protocol.signing import consent_grant_digest
from protocol.types import (
    ADDRESS_LENGTH,
    AccountAddress,
    ContractAddress,
    Hash32,
    Leaf,
    OrganisationId,
    from_hex,
    to_hex,
)

RECORD_VERSION = 1
RECORD_BYTES_MAX = 64 * 1024
"""Of its canonical JSON: every node takes what any node has granted, a hundred in one delivery."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is consented to.

    `receipt` has exactly one purpose; `notice` refers to what the learner saw; `recipients` are
    DIDs of the organisations whose nodes receive the record; `guardian` is the address of who signs
    along for a minor.
    """

    receipt: Mapping[str, Any]
    notice: Mapping[str, Any]
    recipients: tuple[str, ...]
    assurance: Assurance
    guardian: AccountAddress | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A consent with all that proves it; `blinding` is a number in 1 to n - 1."""

    chain_id: int
    registry: ContractAddress
    document: Document
    blinding: int
    entry: Entry
    grant_signature: bytes | None = None
    holder_binding: HolderBinding | None = None
    group_id: str | None = None
    guardian_signature: bytes | None = None
    version: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """What a record that holds together proves.

    `assurance` is what the signatures prove; where `unchecked` names things to look up, the
    document claims more.
    """

    leaf: Leaf
    digest: Hash32
    assurance: Assurance
    unchecked: tuple[str, ...]


def from_json(value: Any) -> Record:
    """Read a record. Raises SchemaInvalid, CommitmentInvalid, EntryInvalid; judges no more."""
    validate("record", value)
    return read_record(value)


def read_record(value: Mapping[str, Any]) -> Record:
    """Read a value that fits the schema. Raises CommitmentInvalid, EntryInvalid."""
    grant_signature = value.get("grantSignature")
    guardian_signature = value.get("guardianSignature")
    binding = value.get("holderBinding")
    return Record(
        chain_id=int(value["chainId"]),
        registry=ContractAddress(from_hex(value["registry"], ADDRESS_LENGTH)),
        document=_document(value["document"]),
        blinding=blinding_from_bytes(from_hex(value["blinding"])),
        entry=decode_entry(from_hex(value["entry"])),
        grant_signature=None if grant_signature is None else from_hex(grant_signature),
        holder_binding=None if binding is None else _binding(binding),
        group_id=value.get("groupId"),
        guardian_signature=None if guardian_signature is None else from_hex(guardian_signature),
    )


def to_json(record: Record) -> dict[str, Any]:
    """A record as a JSON value that fits the schema. Raises SchemaInvalid, EntryInvalid."""
    value = record_value(record)
    validate("record", value)
    return value


def record_value(record: Record) -> dict[str, Any]:
    """A record as a JSON value; of one that was read, it fits the schema. Raises EntryInvalid."""
    value: dict[str, Any] = {
        "version": record.version,
        "chainId": record.chain_id,
        "registry": to_hex(record.registry),
        "document": document_value(record.document),
        "blinding": to_hex(blinding_to_bytes(record.blinding)),
        "entry": to_hex(encode_entry(record.entry)),
    }
    if record.grant_signature is not None:
        value["grantSignature"] = to_hex(record.grant_signature)
    if record.guardian_signature is not None:
        value["guardianSignature"] = to_hex(record.guardian_signature)
    if record.holder_binding is not None:
        value["holderBinding"] = {
            "did": record.holder_binding.did,
            "signature": to_hex(record.holder_binding.signature),
            "credential": record.holder_binding.credential,
        }
    if record.group_id is not None:
        value["groupId"] = record.group_id
    return value


def document_from_json(value: Any) -> Document:
    """Read a document. Raises SchemaInvalid."""
    validate("document", value)
    return _document(value)


def document_to_json(document: Document) -> dict[str, Any]:
    """A document as a JSON value that fits the schema. Raises SchemaInvalid."""
    value = document_value(document)
    validate("document", value)
    return value


def document_digest(document: Document) -> Hash32:
    """SHA-256 of the document's canonical JSON, 32 bytes. Raises CanonicalisationInvalid."""
    return digest_of(document_value(document))


def recipient_ids(document: Document) -> tuple[OrganisationId, ...]:
    """The ids of the organisations that receive the record, in the document's order."""
    return tuple(organisation_id(did) for did in document.recipients)


def check_record(
    record: Record, resolved_keys: Mapping[str, PublicKey] | None = None
) -> RecordCheck:
    """Check that document, blinding, entry and signatures belong together.

    Raises as `check_parts` and `check_length`, and CanonicalisationInvalid.
    """
    check_length(len(canonicalise(record_value(record))))
    return check_parts(record, document_digest(record.document), resolved_keys)


def check_length(length: int) -> None:
    """Raises RecordTooLarge unless the canonical JSON of a record may have so many bytes."""
    if length > RECORD_BYTES_MAX:
        raise RecordTooLarge("the record", length, RECORD_BYTES_MAX)


def check_parts(
    record: Record, digest: Hash32, resolved_keys: Mapping[str, PublicKey] | None = None
) -> RecordCheck:
    """Check that blinding, entry and signatures belong to the document with this digest.

    Raises RecordInvalid, naming the field, where the commitment does not open, a signature is
    wrong, or the claimed assurance is not the proven one (a claim of `identified` may rest on keys
    that the caller has not resolved; then `unchecked` names them).
    """
    try:
        opened = opens(record.entry.commitment, digest, record.blinding)
        leaf = leaf_of(record.entry)
    except (CommitmentInvalid, EntryInvalid) as error:
        raise RecordInvalid(reason=str(error), where="entry") from error
    if not opened:
        reason = "its commitment is to another document or blinding"
        raise RecordInvalid(reason=reason, where="entry")
    finding = _assess(record, None, "grantSignature", None)
    if record.holder_binding is not None:
        finding = _assess(record, record.holder_binding, "holderBinding", resolved_keys)
    _check_guardian(record)
    claimed = record.document.assurance
    rests_on_lookups = claimed is Assurance.IDENTIFIED and bool(finding.unchecked)
    if claimed is not finding.proven and not rests_on_lookups:
        reason = f"it claims to be {claimed} and proves {finding.proven}"
        raise RecordInvalid(reason=reason, where="document.assurance")
    return RecordCheck(leaf, digest, finding.proven, finding.unchecked)


def _check_guardian(record: Record) -> None:
    """Whether the guardian whom the document names, and nobody else, signed the grant along."""
    guardian, signature = record.document.guardian, record.guardian_signature
    if guardian is None and signature is None:
        return
    if guardian is None or signature is None:
        reason = "the document names a guardian and none signed, or the other way round"
    elif record.grant_signature is None:
        reason = "a guardian signs along with the holder, who did not sign"
    elif bytes(guardian) == record.entry.holder:
        reason = "the guardian's key is the holder's"
    else:
        digest = consent_grant_digest(record.entry, record.chain_id, record.registry)
        if is_signed_by(guardian, digest, signature):
            return
        reason = "the grant is not signed by the guardian's key"
    raise RecordInvalid(reason=reason, where="guardianSignature")


def _assess(
    record: Record,
    binding: HolderBinding | None,
    where: str,
    resolved_keys: Mapping[str, PublicKey] | None,
) -> AssuranceFinding:
    try:
        return assess_assurance(
            record.entry,
            record.chain_id,
            record.registry,
            record.grant_signature,
            binding,
            resolved_keys=resolved_keys,
        )
    except RecordInvalid as error:
        raise RecordInvalid(reason=error.reason, where=where) from error


def _document(value: Mapping[str, Any]) -> Document:
    guardian = value.get("guardian")
    return Document(
        receipt=value["receipt"],
        notice=value["notice"],
        recipients=tuple(value["recipients"]),
        assurance=Assurance(value["assurance"]),
        guardian=None if guardian is None else AccountAddress(from_hex(guardian, ADDRESS_LENGTH)),
    )


def document_value(document: Document) -> dict[str, Any]:
    """A document as a JSON value; of one that was read, it fits the schema."""
    value: dict[str, Any] = {
        "receipt": dict(document.receipt),
        "notice": dict(document.notice),
        "recipients": list(document.recipients),
        "assurance": document.assurance.value,
    }
    if document.guardian is not None:
        value["guardian"] = to_hex(document.guardian)
    return value


def _binding(value: Mapping[str, Any]) -> HolderBinding:
    return HolderBinding(value["did"], from_hex(value["signature"]), value["credential"])
