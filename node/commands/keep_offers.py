"""Keeps an organisation's catalogue: the offers that it knows, its own and those of partners.

An offer is known by the id that its entry has. Ids are any text, so that their hash is what rows
and addresses name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from node import tables
from node.intake.catalogue_file import Offer
from node.problems import Problem, not_found
from protocol.catalogue import read_offer
from protocol.types import Hash32, OrganisationId, to_hex

REMEDY = "GET /v1/catalogue/offers lists those that the organisation keeps."


@dataclass(frozen=True, slots=True)
class KeptOffer:
    """An offer of the catalogue, and when its entry was kept."""

    offer_hash: Hash32
    offer: Offer
    kept_at: datetime


def hash_offer_id(offer_id: str) -> Hash32:
    """What rows and addresses name an offer by: SHA-256 of its id in UTF-8."""
    return Hash32(hashlib.sha256(offer_id.encode()).digest())


async def keep_offers(
    connection: AsyncConnection, organisation: OrganisationId, offers: Sequence[Offer]
) -> None:
    """In place of entries with the same ids, if there were such."""
    kept = tables.offers
    statement = insert(kept).values(
        [
            {
                "organisation_id": organisation,
                "offer_hash": hash_offer_id(offer.reading.offer_id),
                "name": offer.reading.name,
                "entry": offer.entry,
            }
            for offer in offers
        ]
    )
    changed = {name: statement.excluded[name] for name in ("name", "entry")}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[kept.c.organisation_id, kept.c.offer_hash],
            set_={**changed, "created_at": func.now()},
        )
    )


async def list_offers(
    connection: AsyncConnection, limit: int, part: str | None = None, after: bytes | None = None
) -> list[KeptOffer]:
    """Those of the current organisation by their names, from the one after `after` on; of those
    with a part in their name, in whatever letters, if one is given."""
    offers = tables.offers
    order = (func.lower(offers.c.name), offers.c.offer_hash)
    conditions: list[ColumnElement[bool]] = []
    if part is not None:
        conditions.append(func.strpos(func.lower(offers.c.name), func.lower(part)) > 0)
    if after is not None:
        last = select(*order).where(offers.c.offer_hash == after).subquery()
        conditions.append(tuple_(*order) > select(last).scalar_subquery())
    statement = select(offers).where(*conditions).order_by(*order).limit(limit)
    return [_kept(row) for row in await connection.execute(statement)]


async def find_offer(connection: AsyncConnection, offer_hash: bytes) -> KeptOffer:
    """Raises a problem for one that the current organisation does not keep."""
    offers = tables.offers
    statement = select(offers).where(offers.c.offer_hash == offer_hash)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise _unknown(offer_hash)
    return _kept(row)


async def find_kept_hashes(
    connection: AsyncConnection, offer_hashes: Collection[bytes]
) -> set[bytes]:
    """Which of these the current organisation keeps."""
    hashes = tables.offers.c.offer_hash
    found = await connection.execute(select(hashes).where(hashes.in_(offer_hashes)))
    return set(found.scalars())


async def remove_offer(connection: AsyncConnection, offer_hash: bytes) -> None:
    """Raises a problem for one that the current organisation does not keep."""
    offers = tables.offers
    statement = delete(offers).where(offers.c.offer_hash == offer_hash)
    removed = await connection.execute(statement.returning(offers.c.offer_hash))
    if removed.one_or_none() is None:
        raise _unknown(offer_hash)


def _kept(row: Row[Any]) -> KeptOffer:
    return KeptOffer(row.offer_hash, Offer(row.entry, read_offer(row.entry)), row.created_at)


def _unknown(offer_hash: bytes) -> Problem:
    return not_found("offer", to_hex(offer_hash), REMEDY)
