"""Shapes of the change feed, the same in a page, a stream and a webhook."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from indexer.queries.feed import Message, Page, PositionInvalid, parse_position
from node.api.schemas.base import AsOf, Hash, Shape, wrong_value


def require_position(text: str) -> str:
    """Raises ValueError for what is no position."""
    try:
        parse_position(text)
    except PositionInvalid:
        raise wrong_value(
            "A position is generation-block-log, three whole numbers.",
            "Send a position as the feed gave it, or 0-0-0 for everything.",
        ) from None
    return text


PositionText = Annotated[
    str,
    AfterValidator(require_position),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,8})$",
            "examples": ["0-0-0"],
        }
    ),
]
EventNames = Annotated[str, Field(max_length=2_000, examples=["LeavesAnchored,ConsentEnded"])]


class LedgerEvent(Shape):
    """An event of a contract, or that it was taken back: `removed`, with the same id."""

    id: str = Field(description="The hash of its block and its place there.")
    position: PositionText = Field(description="Where a reader stands after this message.")
    removed: bool
    name: str
    contract: str | None = Field(description="Who reported it; null where several contracts do.")
    block_number: int
    block_hash: Hash
    block_time: int
    transaction_hash: Hash
    log_index: int
    final: bool = Field(description="Whether so many blocks follow that none takes it back.")
    arguments: dict[str, Any] = Field(
        description="As in the contract's interface; numbers of 64 bits and more are text."
    )

    @classmethod
    def of(cls, message: Message) -> LedgerEvent:
        """From the feed's message."""
        event = message.event
        return cls(
            id=event.event_id,
            position=str(message.position),
            removed=message.is_removed,
            name=event.name,
            contract=event.contract,
            block_number=event.place.block_number,
            block_hash=event.block_hash,
            block_time=event.block_time,
            transaction_hash=event.transaction_hash,
            log_index=event.place.log_index,
            final=message.is_final,
            arguments=event.arguments,
        )


class FeedStanding(Shape):
    """How old the index is, in the midst of a stream: the block that it stands at; or, where it is
    too old to answer, the problem `index-stale`, with which a page would be refused."""

    as_of: AsOf | None
    problem: dict[str, Any] | None


class LedgerEvents(Shape):
    """A page of the feed; `next` is where the following page begins, also if this one is empty."""

    as_of: AsOf
    items: list[LedgerEvent]
    next: PositionText

    @classmethod
    def of(cls, page: Page, as_of: AsOf) -> LedgerEvents:
        """From the feed's page."""
        items = [LedgerEvent.of(message) for message in page.messages]
        return cls(as_of=as_of, items=items, next=str(page.next))
