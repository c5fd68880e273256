"""What a roll-back takes from those who have read it already: the events, kept to be taken back.

Nothing else is ever copied: an event that stays is read where it is.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert

from indexer import tables
from indexer.cursor import BlockRef
from indexer.queries.events import LOG_INDEX_MAX, Place, events_from
from indexer.queries.feed import PAGE_LIMIT_MAX, current_generation
from protocol.events import EVENT_TYPES

BLOCK_NUMBER_MAX = 2**63 - 1


def record_roll_back(connection: Connection, ancestor: BlockRef) -> None:
    """Begins the next generation and keeps the events after the ancestor, before they are deleted
    in the same transaction."""
    generation = current_generation(connection) + 1
    values = {"generation": generation, "ancestor_block": ancestor.block_number}
    connection.execute(insert(tables.roll_backs).values(values))
    first = Place(ancestor.block_number + 1, 0)
    while events := events_from(connection, first, BLOCK_NUMBER_MAX, EVENT_TYPES, PAGE_LIMIT_MAX):
        connection.execute(
            insert(tables.removed_events),
            [
                {
                    "generation": generation,
                    "block_number": event.place.block_number,
                    "log_index": event.place.log_index,
                    "name": event.name,
                    "block_hash": event.block_hash,
                    "block_time": event.block_time,
                    "transaction_hash": event.transaction_hash,
                    "arguments": event.arguments,
                }
                for event in events
            ],
        )
        last = events[-1].place
        assert last.log_index < LOG_INDEX_MAX
        first = Place(last.block_number, last.log_index + 1)
