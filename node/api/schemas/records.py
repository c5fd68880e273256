"""Shapes of what nodes deliver to each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from node.api.rule_schemas import RecordObject
from node.api.schemas.base import Address, Hash, Shape

DELIVERY_SIZE_MAX = 100


class DeliverRecords(Shape):
    """Records as `protocol/schemas/record.json` describes them, for one recipient."""

    recipient: Address
    records: Annotated[list[RecordObject], Field(min_length=1, max_length=DELIVERY_SIZE_MAX)]


class ErasedRecord(Shape):
    """A record that its issuer has erased."""

    leaf: Hash
    issuer: Address


class DeliverErasures(Shape):
    """Orders to erase records, for one recipient."""

    recipient: Address
    erasures: Annotated[list[ErasedRecord], Field(min_length=1, max_length=DELIVERY_SIZE_MAX)]


class DeliveryResult(Shape):
    """What became of one item. `stored` and `erased` come with a confirmation: a JWT of type
    `ptx-confirmation+jwt`, signed by the operator of this node. `refused` is for good, `later` is
    not; `reason` says why."""

    outcome: Literal["stored", "erased", "refused", "later"]
    leaf: Hash | None
    reason: str | None
    confirmation: str | None


class DeliveryResults(Shape):
    """In the order of the request."""

    results: list[DeliveryResult]
