"""What an agreement can be made of: a file of the association's contract manager or catalogue, what
was understood of it, what is missing, and what is not taken over and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from protocol.catalogue import is_offer, read_offer
from protocol.errors import DocumentUnreadable
from protocol.prometheus_x import (
    ContractReading,
    catalogue_id,
    purposes_of_contract,
    read_bilateral_contract,
    read_ecosystem_contract,
    read_participant,
)

EURO = "EUR"


@dataclass(frozen=True, slots=True)
class ImportedParty:
    """Somebody whom the file names; `role` is empty where it says none."""

    catalogue_id: str
    role: str
    did: str | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """`facts` by name, in the file's order; `missing` and `not_taken` by the names that the texts
    have. `is_document` says whether the file itself is what the parties would sign."""

    kind: str
    facts: tuple[tuple[str, str], ...]
    parties: tuple[ImportedParty, ...]
    missing: tuple[str, ...]
    not_taken: tuple[str, ...]
    use_price: Decimal | None = None
    is_document: bool = True


def understand(content: bytes) -> tuple[dict[str, Any], Understanding]:
    """The file, and what it says. Raises DocumentUnreadable for what is none of these files."""
    try:
        source = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DocumentUnreadable(kind="file", reason=f"it is no JSON: {error}") from error
    if not isinstance(source, dict):
        raise DocumentUnreadable(kind="file", reason="it is no JSON object")
    for is_such, read in _READERS:
        if is_such(source):
            return source, read(source)
    known = "a contract, bilateral or of an ecosystem; a participant, an offering or a resource"
    raise DocumentUnreadable(kind="file", reason=f"it is none of these: {known}")


def _bilateral(source: dict[str, Any]) -> Understanding:
    reading = read_bilateral_contract(source)
    roles = ("provider", "consumer")
    return _contract("bilateral", source, reading, roles)


def _ecosystem(source: dict[str, Any]) -> Understanding:
    reading = read_ecosystem_contract(source)
    return _contract("ecosystem", source, reading, ("",) * len(reading.party_urls))


def _contract(
    kind: str, source: dict[str, Any], reading: ContractReading, roles: tuple[str, ...]
) -> Understanding:
    purposes = purposes_of_contract(source)
    return Understanding(
        kind=kind,
        facts=(
            ("id", reading.contract_id),
            ("status", reading.status),
            *(("purpose", each) for each in purposes),
            ("policies", str(len(reading.policies))),
        ),
        parties=tuple(
            ImportedParty(catalogue_id(url), role)
            for url, role in zip(reading.party_urls, roles, strict=True)
        ),
        missing=(
            *(("purpose",) if not purposes else ()),
            *("validity", "lines", "rulebook"),
        ),
        not_taken=("signatures", "status"),
    )


def understand_offer(source: dict[str, Any]) -> Understanding:
    """What an entry says that `protocol.catalogue.is_offer`. Raises DocumentUnreadable."""
    offer = read_offer(source)
    is_in_euros = offer.currency in (None, EURO)
    price = offer.use_price if is_in_euros else None
    facts = (("id", offer.offer_id), ("name", offer.name), ("description", offer.description))
    priced = f"{offer.use_price} {offer.currency or ''}".strip() if offer.use_price else ""
    return Understanding(
        kind=offer.kind,
        facts=(
            *((name, text) for name, text in facts if text),
            ("policies", str(len(offer.policies))),
            *((("price", priced),) if priced else ()),
        ),
        parties=(ImportedParty(offer.provider_id, "provider"),),
        missing=("consumer", "purpose", "validity", *(() if price else ("lines",)), "rulebook"),
        not_taken=("template", *(() if is_in_euros else ("currency",))),
        use_price=price,
    )


def _participant(source: dict[str, Any]) -> Understanding:
    entry = read_participant(source)
    did = entry.did if isinstance(entry.did, str) else None
    facts = (("id", entry.catalogue_id), ("name", entry.name), ("did", did or ""))
    return Understanding(
        kind="Participant",
        facts=tuple((name, text) for name, text in facts if text),
        parties=(ImportedParty(entry.catalogue_id, "", did),),
        missing=("purpose", "validity", "lines", "rulebook"),
        not_taken=("entry",),
        is_document=False,
    )


_READERS: tuple[
    tuple[Callable[[Mapping[str, Any]], bool], Callable[[dict[str, Any]], Understanding]], ...
] = (
    (lambda source: "dataProvider" in source, _bilateral),
    (lambda source: "members" in source and "serviceOfferings" in source, _ecosystem),
    (is_offer, understand_offer),
    (lambda source: source.get("@type") == "Participant" or "legalName" in source, _participant),
)
"""Each kind of file by what it has, and how it is read."""
