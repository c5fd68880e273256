"""What the pages of the catalogue show of an offer: who offers what, at which price, under which
rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from node.api.organisation.policy_words import PolicyRule, rules_of
from node.api.wording import Wording, decimals_of
from node.commands.find_by_catalogue_id import find_by_catalogue_id
from node.commands.keep_offers import hash_offer_id
from node.intake.catalogue_file import Offer
from node.intake.contract_import import EURO
from protocol.booking import MINOR_PER_TOKEN
from protocol.catalogue import CatalogueOffer
from protocol.types import AmountMinor, Hash32


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """An offer; `provider` is None if no participant is known by the id that the entry has, and
    `price` empty if the entry says none."""

    offer_hash: Hash32
    reading: CatalogueOffer
    provider: str | None
    price: str
    rules: Sequence[PolicyRule]


async def show_offers(
    connection: AsyncConnection, offers: Sequence[Offer], wording: Wording
) -> list[ShownOffer]:
    """Several at once, in their order."""
    providers = {offer.reading.provider_id for offer in offers}
    dids = await find_by_catalogue_id(connection, providers)
    return [show_offer(offer, dids, wording) for offer in offers]


def show_offer(offer: Offer, dids: Mapping[str, str], wording: Wording) -> ShownOffer:
    """`dids` are those of participants, by their ids in the catalogue."""
    reading = offer.reading
    return ShownOffer(
        offer_hash=hash_offer_id(reading.offer_id),
        reading=reading,
        provider=dids.get(reading.provider_id),
        price=_price(reading, wording),
        rules=rules_of(offer.entry),
    )


def _price(reading: CatalogueOffer, wording: Wording) -> str:
    """Of a call, in euros where the entry names no other currency."""
    if reading.use_price is None:
        return ""
    if reading.currency in (None, EURO):
        minor = AmountMinor(int(reading.use_price * MINOR_PER_TOKEN))
        return wording.money(minor, decimals_of([minor]))
    return f"{reading.use_price:f} {reading.currency}"
