"""The withdrawal slip: a withdrawal signed at grant time, for later, by whoever carries it.

    "PTX1" | chainId(8) | registry(20) | entry(123) | signature(65)        220 bytes, big-endian

The signature is the holder key's over ConsentWithdrawal(leaf). The slip is a bearer instrument:
anyone who has it may end the consent, and can do nothing else with it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from protocol.entries import ENTRY_LENGTH, Entry, decode_entry, encode_entry, leaf_of
from protocol.errors import EntryInvalid, SlipInvalid
from protocol.signatures import SIGNATURE_LENGTH, is_signed_by
from protocol.signing import withdrawal_digest
from protocol.types import ADDRESS_LENGTH, UINT64_MAX, ContractAddress, Leaf

SLIP_MAGIC = b"PTX1"
SLIP_LENGTH = 220

_LAYOUT = struct.Struct(f">4sQ{ADDRESS_LENGTH}s{ENTRY_LENGTH}s{SIGNATURE_LENGTH}s")


@dataclass(frozen=True, slots=True)
class Slip:
    """A signed withdrawal: chain, registry of consents, the consent's entry, 65 bytes r|s|v."""

    chain_id: int
    registry: ContractAddress
    entry: Entry
    signature: bytes


def encode_slip(slip: Slip) -> bytes:
    """The slip's 220 bytes. Raises SlipInvalid, EntryInvalid."""
    if not 0 <= slip.chain_id <= UINT64_MAX:
        raise SlipInvalid(reason=f"the chain id {slip.chain_id} exceeds 64 bits")
    if len(slip.registry) != ADDRESS_LENGTH or len(slip.signature) != SIGNATURE_LENGTH:
        raise SlipInvalid(reason="the registry or the signature has another length")
    entry = encode_entry(slip.entry)
    return _LAYOUT.pack(SLIP_MAGIC, slip.chain_id, slip.registry, entry, slip.signature)


def decode_slip(data: bytes) -> Slip:
    """Read 220 bytes, without judging the signature. Raises SlipInvalid."""
    if len(data) != SLIP_LENGTH:
        raise SlipInvalid(reason=f"{len(data)} bytes, not {SLIP_LENGTH}")
    magic, chain_id, registry, entry, signature = _LAYOUT.unpack(data)
    if magic != SLIP_MAGIC:
        raise SlipInvalid(reason="it does not begin with PTX1")
    try:
        return Slip(chain_id, ContractAddress(registry), decode_entry(entry), signature)
    except EntryInvalid as error:
        raise SlipInvalid(reason=str(error)) from error


def verify_slip(slip: Slip) -> Leaf:
    """The leaf that the slip ends. Raises SlipInvalid unless the entry's holder signed."""
    leaf = leaf_of(slip.entry)
    digest = withdrawal_digest(leaf, slip.chain_id, slip.registry)
    if not is_signed_by(slip.entry.holder, digest, slip.signature):
        raise SlipInvalid(reason="the holder of the consent did not sign it")
    return leaf
