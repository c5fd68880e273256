"""The entry of a consent, and the leaf that stands for it on chain.

    type(1) | version(1) | agreementId(32) | issuer(20) | holder(20)
    | validFrom(8) | validUntil(8) | commitment(33)            123 bytes, big-endian

The leaf is the RFC 9162 leaf hash of these bytes, SHA-256(0x00 | entry). Since the entry has a
hiding commitment in it, the leaf tells nothing, not even the agreement.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from protocol.commitments import COMMITMENT_LENGTH
from protocol.errors import EntryInvalid
from protocol.merkle import leaf_hash
from protocol.types import (
    ADDRESS_LENGTH,
    HASH_LENGTH,
    UINT64_MAX,
    AgreementId,
    HolderAddress,
    Leaf,
    OrganisationId,
    UnixSeconds,
)

ENTRY_TYPE_CONSENT = 1
ENTRY_VERSION = 1
ENTRY_LENGTH = 123

_LAYOUT = struct.Struct(">BB32s20s20sQQ33s")


@dataclass(frozen=True, slots=True)
class Entry:
    """One consent as the chain's log knows it.

    `issuer` is the organisation whose word it is, `holder` the learner's one-time key;
    `valid_from` is inclusive, `valid_until` exclusive; `commitment` a compressed point.
    """

    agreement_id: AgreementId
    issuer: OrganisationId
    holder: HolderAddress
    valid_from: UnixSeconds
    valid_until: UnixSeconds
    commitment: bytes
    entry_type: int = ENTRY_TYPE_CONSENT
    version: int = ENTRY_VERSION


def encode_entry(entry: Entry) -> bytes:
    """The entry's 123 bytes. Raises EntryInvalid."""
    check_entry(entry)
    return _LAYOUT.pack(
        entry.entry_type,
        entry.version,
        entry.agreement_id,
        entry.issuer,
        entry.holder,
        entry.valid_from,
        entry.valid_until,
        entry.commitment,
    )


def decode_entry(data: bytes) -> Entry:
    """Read 123 bytes. Raises EntryInvalid for another length, type, version or content."""
    if len(data) != ENTRY_LENGTH:
        raise EntryInvalid(reason=f"{len(data)} bytes, not {ENTRY_LENGTH}")
    kind, version, agreement_id, issuer, holder, start, end, commitment = _LAYOUT.unpack(data)
    entry = Entry(
        agreement_id=AgreementId(agreement_id),
        issuer=OrganisationId(issuer),
        holder=HolderAddress(holder),
        valid_from=UnixSeconds(start),
        valid_until=UnixSeconds(end),
        commitment=commitment,
        entry_type=kind,
        version=version,
    )
    check_entry(entry)
    return entry


def leaf_of(entry: Entry) -> Leaf:
    """The leaf that is anchored for the entry, 32 bytes. Raises EntryInvalid."""
    return leaf_hash(encode_entry(entry))


def check_entry(entry: Entry) -> None:
    """Raise EntryInvalid unless every field has its length, range and order."""
    if (entry.entry_type, entry.version) != (ENTRY_TYPE_CONSENT, ENTRY_VERSION):
        raise EntryInvalid(reason=f"type {entry.entry_type}, version {entry.version} is unknown")
    lengths = (
        ("agreement id", entry.agreement_id, HASH_LENGTH),
        ("issuer", entry.issuer, ADDRESS_LENGTH),
        ("holder", entry.holder, ADDRESS_LENGTH),
        ("commitment", entry.commitment, COMMITMENT_LENGTH),
    )
    for name, value, length in lengths:
        if len(value) != length:
            raise EntryInvalid(reason=f"the {name} has {len(value)} bytes, not {length}")
    if entry.commitment[0] not in (2, 3):
        raise EntryInvalid(reason="the commitment is not a compressed point")
    if not 0 <= entry.valid_from < entry.valid_until <= UINT64_MAX:
        raise EntryInvalid(
            reason=f"valid from {entry.valid_from} until {entry.valid_until} is no span of time"
        )
