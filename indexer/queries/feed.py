"""The change feed: one order of all events, in which what was taken back is taken back visibly.

A generation is the number of roll-backs so far. A position `generation-block-log` says what its
reader knows: the events before log `log` of block `block`, as the index had them in that
generation. Each message leads from one position to the next, so whoever stores positions resumes
without loss. A reader of an older generation first takes back, newest first, what it knows and the
chain has dropped, then goes on from the common ancestor.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, func, select, tuple_

from indexer import tables
from indexer.cursor import Cursor, read_cursor
from indexer.queries.events import EventRow, Place, events_from
from protocol.events import EVENT_TYPES

PAGE_LIMIT_MAX = 1_000
POSITION = re.compile(r"(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,8})")


class PositionInvalid(ValueError):
    """A text that is no position."""


class PositionUnknown(Exception):
    """A position that this index has not reached: another node's, or from before a restore."""


class Position(NamedTuple):
    """Everything before this place of this generation is known."""

    generation: int
    block_number: int
    log_index: int

    @property
    def place(self) -> Place:
        """Without the generation."""
        return Place(self.block_number, self.log_index)

    def __str__(self) -> str:
        return f"{self.generation}-{self.block_number}-{self.log_index}"


START = Position(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Message:
    """An event that was added, or taken back; `position` is where the reader stands after it."""

    position: Position
    event: EventRow
    is_removed: bool
    is_final: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a reader wants: names (none: all), and whether final ones alone. A block is
    final when `finality_blocks` blocks follow it."""

    finality_blocks: int
    names: frozenset[str] = frozenset()
    final_only: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order, and the position after them."""

    messages: list[Message]
    next: Position


@dataclass(frozen=True, slots=True)
class _Head:
    generation: int
    cursor: Cursor | None


def parse_position(text: str) -> Position:
    """A position as `str` writes it; raises PositionInvalid."""
    found = POSITION.fullmatch(text)
    if found is None:
        raise PositionInvalid(f"{text!r} is no position")
    return Position(*(int(part) for part in found.groups()))


def head_position(connection: Connection) -> Position:
    """The position of who knows everything in the index."""
    head = _read_head(connection)
    return Position(head.generation, *_end(head, 0))


def read_page(connection: Connection, after: Position, wanted: Wanted, limit: int) -> Page:
    """What follows a position, at most `limit` messages. The connection must see one snapshot
    (REPEATABLE READ), else a roll-back between two statements tears the page. Raises
    PositionUnknown."""
    head = _read_head(connection)
    if after.generation > head.generation:
        raise PositionUnknown(
            f"The position {after} is of generation {after.generation}, the index of this node "
            f"is in generation {head.generation}."
        )
    limit = min(limit, PAGE_LIMIT_MAX)
    removals, after = _take_back(connection, after, head, wanted, limit)
    if len(removals) == limit:
        return Page(removals, after)
    additions = _add(connection, after, head, wanted, limit - len(removals))
    messages = removals + additions
    if len(messages) == limit:
        return Page(messages, messages[-1].position)
    known_blocks = wanted.finality_blocks if wanted.final_only else 0
    return Page(messages, max(after, Position(head.generation, *_end(head, known_blocks))))


def _read_head(connection: Connection) -> _Head:
    return _Head(current_generation(connection), read_cursor(connection))


def current_generation(connection: Connection) -> int:
    """How often blocks were taken back."""
    newest = select(func.coalesce(func.max(tables.roll_backs.c.generation), 0))
    return int(connection.execute(newest).scalar_one())


def _end(head: _Head, short_of_blocks: int) -> Place:
    """The place behind the cursor's block, or behind one some blocks before it."""
    if head.cursor is None:
        return Place(0, 0)
    return Place(max(head.cursor.at.block_number - short_of_blocks + 1, 0), 0)


def _take_back(
    connection: Connection, after: Position, head: _Head, wanted: Wanted, limit: int
) -> tuple[list[Message], Position]:
    """What the reader knows and the chain has dropped; and where the reader stands then."""
    roll_backs = tables.roll_backs
    statement = (
        select(roll_backs)
        .where(roll_backs.c.generation > after.generation)
        .order_by(roll_backs.c.generation)
    )
    messages: list[Message] = []
    for roll_back in connection.execute(statement).all():
        kept = Place(roll_back.ancestor_block + 1, 0)
        if kept < after.place:
            # Who reads final events alone never read what could be taken back.
            if not wanted.final_only:
                room = limit - len(messages)
                messages += _removed(connection, after, roll_back.generation, wanted, room)
                if len(messages) == limit:
                    return messages, messages[-1].position
            after = Position(roll_back.generation, *kept)
    return messages, Position(head.generation, *after.place)


def _removed(
    connection: Connection, after: Position, generation: int, wanted: Wanted, limit: int
) -> list[Message]:
    """What one roll-back took from a reader. Newest first: after each the reader knows exactly
    what is before it."""
    removed = tables.removed_events
    place = tuple_(removed.c.block_number, removed.c.log_index)
    statement = (
        select(removed)
        .where(removed.c.generation == generation, place < tuple_(*after.place))
        .order_by(removed.c.block_number.desc(), removed.c.log_index.desc())
        .limit(limit)
    )
    if wanted.names:
        statement = statement.where(removed.c.name.in_(sorted(wanted.names)))
    messages = []
    for row in connection.execute(statement):
        event = EventRow(
            Place(row.block_number, row.log_index),
            row.name,
            row.block_hash,
            row.block_time,
            row.transaction_hash,
            row.arguments,
        )
        position = Position(generation - 1, *event.place)
        messages.append(Message(position, event, is_removed=True, is_final=False))
    return messages


def _add(
    connection: Connection, after: Position, head: _Head, wanted: Wanted, limit: int
) -> list[Message]:
    if head.cursor is None:
        return []
    last = head.cursor.at.block_number
    final = last - wanted.finality_blocks
    block_max = final if wanted.final_only else last
    names: Collection[str] = wanted.names or EVENT_TYPES.keys()
    return [
        Message(
            Position(head.generation, event.place.block_number, event.place.log_index + 1),
            event,
            is_removed=False,
            is_final=event.place.block_number <= final,
        )
        for event in events_from(connection, after.place, block_max, names, limit)
    ]
