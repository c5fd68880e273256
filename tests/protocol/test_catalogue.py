"""Reading what the catalogue offers: the published entries, and damaged ones of our own."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from protocol.catalogue import is_offer, read_offer
from protocol.errors import DocumentUnreadable

OFFERING: dict[str, Any] = {
    "@type": "ServiceOffering",
    "_id": "o1",
    "name": "skills",
    "providedBy": "https://a.example/participants/1",
    "policy": [],
    "costPerAPICall": 0.05,
    "currency": "EUR",
}
PUBLISHED = {
    "catalog.consent_offer_provider.json": ("ServiceOffering", "provider consent data", 1),
    "catalog.consent_offer_consumer.json": ("ServiceOffering", "Consumer consent data", 1),
    "catalog.consent_data_resource_provider.json": ("DataResource", "consent data", 0),
    "catalog.consent_software_ressource_consumer.json": (
        *("SoftwareResource", "consumer consent data"),
        0,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_entries(samples: Path, name: str) -> None:
    value = json.loads((samples / "prometheus-x" / name).read_text(encoding="utf-8"))
    assert is_offer(value)
    found = read_offer(value)
    assert (found.kind, found.name, len(found.policies)) == PUBLISHED[name]
    assert found.provider_id in ("66d18724ee71f9f096bae810", "66d18a1dee71f9f096baec08")
    assert found.use_price is None, "0 says nothing"
    assert {"consumer", "validFrom", "lines", f"did of {found.provider_id}"} <= set(found.missing)


def test_other_published_files_offer_nothing(samples: Path) -> None:
    for path in (samples / "prometheus-x").glob("*.json"):
        if path.name not in PUBLISHED:
            assert not is_offer(json.loads(path.read_text(encoding="utf-8"))), path.name
    assert not is_offer([OFFERING])


def test_a_price_of_a_call_is_exact() -> None:
    found = read_offer(OFFERING)
    assert (found.use_price, found.currency, found.provider_id) == (Decimal("0.05"), "EUR", "1")
    assert "lines" not in found.missing


@pytest.mark.parametrize("price", [0, -1, True, "0.05", None, 0.0000001, float("inf")])
def test_what_is_no_price_that_terms_can_say_is_none(price: Any) -> None:
    assert read_offer({**OFFERING, "costPerAPICall": price}).use_price is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("_id", None), ("name", ""), ("providedBy", 3), ("policy", {}), ("policy", ["rule"])],
)
def test_a_damaged_entry_is_unreadable(name: str, value: Any) -> None:
    with pytest.raises(DocumentUnreadable) as told:
        read_offer({**OFFERING, name: value})
    assert name in str(told.value)
