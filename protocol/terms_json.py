"""Terms of an agreement as JSON, and back: the message that a wallet shows and signs.

Addresses are checksummed text, hashes 0x-hexadecimal text, whole numbers of 64 bits decimal
text, because JSON numbers are exact up to 2**53 only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol.agreement import PriceLine, Terms
from protocol.types import (
    ADDRESS_LENGTH,
    HASH_LENGTH,
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
    from_hex,
    to_checksum_address,
    to_hex,
)


def terms_to_json(terms: Terms) -> dict[str, Any]:
    """The EIP-712 message of the terms."""
    return {
        "parties": [to_checksum_address(party) for party in terms.parties],
        "validFrom": str(terms.valid_from),
        "validUntil": str(terms.valid_until),
        "policyHash": to_hex(terms.policy_hash),
        "documentHash": to_hex(terms.document_hash),
        "rulebook": to_hex(terms.rulebook),
        "parent": to_hex(terms.parent),
        "salt": to_hex(terms.salt),
        "lines": [
            {
                "payee": to_checksum_address(line.payee),
                "category": line.category,
                "unitPrice": str(line.unit_price),
                "freeUnits": str(line.free_units),
            }
            for line in terms.lines
        ],
    }


def terms_from_json(value: Mapping[str, Any]) -> Terms:
    """Read terms whose shape a schema has checked. Raises HexInvalid for a wrong length."""
    return Terms(
        parties=tuple(_organisation(party) for party in value["parties"]),
        valid_from=UnixSeconds(int(value["validFrom"])),
        valid_until=UnixSeconds(int(value["validUntil"])),
        policy_hash=_hash(value["policyHash"]),
        document_hash=_hash(value["documentHash"]),
        rulebook=_hash(value["rulebook"]),
        parent=AgreementId(_hash(value["parent"])),
        salt=_hash(value["salt"]),
        lines=tuple(
            PriceLine(
                payee=_organisation(line["payee"]),
                category=Category(line["category"]),
                unit_price=AmountMinor(int(line["unitPrice"])),
                free_units=Units(int(line["freeUnits"])),
            )
            for line in value["lines"]
        ),
    )


def _organisation(text: str) -> OrganisationId:
    return OrganisationId(from_hex(text, ADDRESS_LENGTH))


def _hash(text: str) -> Hash32:
    return Hash32(from_hex(text, HASH_LENGTH))
