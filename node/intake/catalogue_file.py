"""What an organisation's catalogue is filled from: a file with an entry of the association's
catalogue that offers something, or with a list of such entries."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from protocol.catalogue import OFFERED, CatalogueOffer, is_offer, read_offer
from protocol.errors import DocumentUnreadable

ENTRIES_MAX = 200
ENTRY_LENGTH_MAX = 65_536
"""In characters of JSON; those that are published have about 3,000."""
TEXT_LENGTH_MAX = 300


class Offer(NamedTuple):
    """An entry as it was received, and what it says."""

    entry: dict[str, Any]
    reading: CatalogueOffer


def read_catalogue_file(content: bytes) -> list[Offer]:
    """Raises DocumentUnreadable for anything else, and where two entries have the same id."""
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DocumentUnreadable(kind="file", reason=f"it is no JSON: {error}") from error
    entries = value if isinstance(value, list) else [value]
    if not 0 < len(entries) <= ENTRIES_MAX:
        reason = f"it has {len(entries)} entries, and 1 to {ENTRIES_MAX} are taken at once"
        raise DocumentUnreadable(kind="file", reason=reason)
    seen: set[str] = set()
    offers = []
    for number, entry in enumerate(entries, 1):
        offer = Offer(entry, _read(entry, number))
        if offer.reading.offer_id in seen:
            reason = f"two entries have the id {offer.reading.offer_id}"
            raise DocumentUnreadable(kind="file", reason=reason)
        seen.add(offer.reading.offer_id)
        offers.append(offer)
    return offers


def _read(entry: Any, number: int) -> CatalogueOffer:
    if not is_offer(entry):
        reason = f"entry {number} is none of these: {', '.join(OFFERED)}"
        raise DocumentUnreadable(kind="file", reason=reason)
    if len(json.dumps(entry, ensure_ascii=False)) > ENTRY_LENGTH_MAX:
        reason = f"entry {number} is longer than {ENTRY_LENGTH_MAX} characters"
        raise DocumentUnreadable(kind="file", reason=reason)
    reading = read_offer(entry)
    named = {"_id": reading.offer_id, "name": reading.name, "provider": reading.provider_id}
    for name, text in named.items():
        if len(text) > TEXT_LENGTH_MAX:
            reason = f"{name} of entry {number} is longer than {TEXT_LENGTH_MAX} characters"
            raise DocumentUnreadable(kind=reading.kind, reason=reason)
    return reading
