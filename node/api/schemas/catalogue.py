"""Shapes of the catalogue: the offers that an organisation keeps."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from node.api.schemas.base import Hash, Shape
from node.commands.keep_offers import KeptOffer


class OfferShown(Shape):
    """An offer. `entry` is the catalogue's, as it was received; `offerHash` is the SHA-256 of its
    id; `providerId` is the end of the address that it has for who offers it."""

    offer_hash: Hash
    offer_id: str
    kind: Annotated[str, Field(examples=["ServiceOffering"])]
    name: str
    provider_id: str
    kept_at: int
    entry: dict[str, Any]

    @classmethod
    def of(cls, kept: KeptOffer) -> OfferShown:
        """From what is kept."""
        reading = kept.offer.reading
        return cls(
            offer_hash=kept.offer_hash,
            offer_id=reading.offer_id,
            kind=reading.kind,
            name=reading.name,
            provider_id=reading.provider_id,
            kept_at=int(kept.kept_at.timestamp()),
            entry=kept.offer.entry,
        )


class OffersShown(Shape):
    """By their names; `next` asks for those after."""

    items: list[OfferShown]
    next: Hash | None
