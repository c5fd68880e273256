"""`/v1/catalogue/offers`: the offers that an organisation keeps; its pages add and remove them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from node.api.context import NodeContext
from node.api.principal import Principal, may
from node.api.schemas.base import Hash, StoredText
from node.api.schemas.catalogue import OfferShown, OffersShown
from node.commands.keep_offers import list_offers
from node.db import act_as
from node.intake.catalogue_file import TEXT_LENGTH_MAX
from node.permissions import Area

router = APIRouter(prefix="/v1/catalogue", tags=["catalogue"])
Reader = Annotated[Principal, may(Area.AGREEMENTS)]
NamePart = Annotated[StoredText, Query(min_length=1, max_length=TEXT_LENGTH_MAX)]


@router.get("/offers", response_model=OffersShown)
async def list_own(
    context: NodeContext,
    caller: Reader,
    name: NamePart | None = None,
    after: Hash | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> OffersShown:
    """The organisation's offers by their names; with `name` those that have it in theirs, in
    whatever letters."""
    async with context.database.begin() as connection:
        await act_as(connection, caller.organisation_id)
        found = await list_offers(connection, limit + 1, name, after)
    shown = found[:limit]
    return OffersShown(
        items=[OfferShown.of(each) for each in shown],
        next=shown[-1].offer_hash if len(found) > limit else None,
    )
