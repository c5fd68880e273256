"""Reading what the association's catalogue offers: services, and resources of data or software.

An entry says who offers what, under which rules of use, and sometimes a price. Rules are templates
whose target (`@{target}`) is filled in by a contract. A reader lists what terms need and the entry
does not have, so that a caller can add it and mark it as added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from protocol.errors import DocumentUnreadable
from protocol.prometheus_x import catalogue_id

OFFERED: Mapping[str, str] = {
    "ServiceOffering": "providedBy",
    "DataResource": "producedBy",
    "SoftwareResource": "providedBy",
}
"""The kinds of entries that offer something, and where each says by whom."""
MINOR_DIGITS = 6


@dataclass(frozen=True, slots=True)
class CatalogueOffer:
    """What an entry offers. `use_price` is in units of `currency` for one call; None if the entry
    names none, or one that has more decimals than terms can say."""

    kind: str
    offer_id: str
    name: str
    description: str
    provider_id: str
    policies: tuple[Mapping[str, Any], ...]
    use_price: Decimal | None
    currency: str | None
    missing: tuple[str, ...]


def is_offer(value: Any) -> bool:
    """Whether it is one of the entries that `read_offer` reads."""
    return isinstance(value, Mapping) and value.get("@type") in OFFERED


def read_offer(value: Mapping[str, Any]) -> CatalogueOffer:
    """Read an entry for which `is_offer` holds. Raises DocumentUnreadable."""
    kind = str(value["@type"])
    policies = value.get("policy")
    if not isinstance(policies, list) or not all(isinstance(each, Mapping) for each in policies):
        raise DocumentUnreadable(kind=kind, reason="policy is no list of objects")
    provider = catalogue_id(_text(kind, value, OFFERED[kind]))
    use_price = _price(value.get("costPerAPICall"))
    missing = (f"did of {provider}", "consumer", "validFrom", "validUntil", "rulebook")
    return CatalogueOffer(
        kind=kind,
        offer_id=_text(kind, value, "_id"),
        name=_text(kind, value, "name"),
        description=str(value.get("description") or ""),
        provider_id=provider,
        policies=tuple(policies),
        use_price=use_price,
        currency=str(value["currency"]) if value.get("currency") else None,
        missing=missing if use_price else (*missing, "lines"),
    )


def _price(value: Any) -> Decimal | None:
    """Of a call; 0 is how the catalogue writes that nothing was said."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    price = Decimal(str(value))
    is_exact = price.is_finite() and price == round(price, MINOR_DIGITS)
    return price if is_exact and price > 0 else None


def _text(kind: str, source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise DocumentUnreadable(kind=kind, reason=f"{name} is missing")
    return value
