"""Domain values: one type for each unit, so that two of them cannot be mixed up.

Addresses, hashes and ids are raw `bytes` inside this package; hexadecimal text exists at the
edges alone. Checksummed addresses follow EIP-55. Times are Unix seconds, as on chain. Amounts
are base units of the usage token: 1,000,000 of them are one euro of use.
"""

from __future__ import annotations

from enum import IntFlag
from typing import NewType

from eth_hash.auto import keccak

from protocol.errors.off_chain import HexInvalid

Hash32 = NewType("Hash32", bytes)
"""32 bytes of SHA-256 or keccak256."""
AgreementId = NewType("AgreementId", bytes)
"""32 bytes: the EIP-712 digest of the agreement's terms."""
Leaf = NewType("Leaf", bytes)
"""32 bytes: the RFC 9162 leaf hash of an entry."""
Root = NewType("Root", bytes)
"""32 bytes: the root of an RFC 9162 tree."""

OrganisationId = NewType("OrganisationId", bytes)
"""20 bytes: the end of keccak256 of a DID; nobody has a key for it."""
AccountAddress = NewType("AccountAddress", bytes)
"""20 bytes: an account that acts for an organisation."""
HolderAddress = NewType("HolderAddress", bytes)
"""20 bytes: the address of a learner's one-time key."""
ContractAddress = NewType("ContractAddress", bytes)
"""20 bytes: a contract of the ledger."""

UnixSeconds = NewType("UnixSeconds", int)
Period = NewType("Period", int)
"""Calendar month of use in UTC: (year - 1970) * 12 + month - 1."""
BookingMonth = NewType("BookingMonth", int)
"""Calendar month of a settlement's block in Europe/Paris, counted like a period."""
Units = NewType("Units", int)
"""Units of use, cumulative within a period, 64 bit."""
AmountMinor = NewType("AmountMinor", int)
"""Base units of the usage token, 6 decimals."""
RateBps = NewType("RateBps", int)
"""Hundredths of a percent; 10,000 is the whole."""
Category = NewType("Category", int)
"""Number of a commons category, 16 bit."""

ADDRESS_LENGTH = 20
HASH_LENGTH = 32
UINT16_MAX = 2**16 - 1
UINT32_MAX = 2**32 - 1
UINT40_MAX = 2**40 - 1
UINT64_MAX = 2**64 - 1
UINT128_MAX = 2**128 - 1
ZERO_ADDRESS = bytes(ADDRESS_LENGTH)
ZERO_HASH = bytes(HASH_LENGTH)


class Scope(IntFlag):
    """What an account may do for its organisation."""

    MANAGE = 1
    AGREE = 2
    ANCHOR = 4
    VOUCHER = 8
    CLAIM = 16


class Role(IntFlag):
    """What an organisation is in the data space."""

    PROVIDER = 1
    CONSUMER = 2
    OPERATOR = 4
    MAINTAINER = 8


HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def to_hex(value: bytes) -> str:
    """Bytes as lower-case hexadecimal text with the prefix 0x."""
    return "0x" + value.hex()


def from_hex(text: str, length: int | None = None) -> bytes:
    """Read 0x-prefixed hexadecimal text of exactly `length` bytes (any, if None).

    Raises HexInvalid for a missing prefix, other characters or another length.
    """
    digits = text[2:]
    if not text.startswith("0x") or len(digits) % 2 or not _is_hex(digits):
        raise HexInvalid(text=text, length=length)
    value = bytes.fromhex(digits)
    if length is not None and len(value) != length:
        raise HexInvalid(text=text, length=length)
    return value


def to_checksum_address(address: bytes) -> str:
    """A 20-byte address as text whose upper and lower case carry a checksum (EIP-55)."""
    if len(address) != ADDRESS_LENGTH:
        raise HexInvalid(text=to_hex(address), length=ADDRESS_LENGTH)
    digits = address.hex()
    checks = keccak(digits.encode()).hex()
    pairs = zip(digits, checks[: len(digits)], strict=True)
    return "0x" + "".join(d.upper() if int(c, 16) >= 8 else d for d, c in pairs)


def _is_hex(digits: str) -> bool:
    return HEXADECIMAL.issuperset(digits)
