"""A reader of the change feed, who keeps what it has been told and nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from indexer.queries.events import EventRow
from indexer.queries.feed import START, Message, Page, Position, Wanted, head_position, read_page
from protocol.events import EVENT_TYPES

FINALITY_BLOCKS = 3


class FeedReader:
    """Applies messages to a set; complains when one adds what is there or removes what is not."""

    def __init__(self, engine: Engine, position: Position = START, **wanted: Any) -> None:
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self.wanted = Wanted(**{"finality_blocks": FINALITY_BLOCKS, **wanted})
        self.position = position
        self.known: dict[str, EventRow] = {}

    def page(self, limit: int) -> Page:
        with self._engine.connect() as connection:
            return read_page(connection, self.position, self.wanted, limit)

    def read(self, limit: int = 1_000) -> list[Message]:
        """One page, applied message by message: a reader may die after any of them."""
        page = self.page(limit)
        for message in page.messages:
            self.apply(message)
        self.position = page.next
        return page.messages

    def apply(self, message: Message) -> None:
        event_id = message.event.event_id
        if message.is_removed:
            assert self.known.pop(event_id) == message.event, f"{event_id} was another event"
        else:
            assert event_id not in self.known, f"{event_id} came twice"
            self.known[event_id] = message.event
        self.position = message.position

    def read_all(self, limit: int = 1_000) -> list[Message]:
        messages: list[Message] = []
        while page := self.read(limit):
            messages += page
        return messages


def current_ids(engine: Engine) -> set[str]:
    """What the index holds now, told to somebody who knows nothing."""
    newcomer = FeedReader(engine)
    newcomer.read_all()
    return set(newcomer.known)


def head_of(engine: Engine) -> Position:
    with engine.connect() as connection:
        return head_position(connection)


ALL_NAMES = tuple(sorted(EVENT_TYPES))
