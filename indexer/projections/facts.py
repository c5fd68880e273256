"""Events as they are: one row in the event's own table, field by field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from indexer import tables
from indexer.decode import PlacedEvent
from indexer.rows import Rows
from protocol.events import Event

Project = Callable[[Rows, PlacedEvent], None]


def projection_of(kind: type[Event]) -> Project:
    """What adds the row of an event of this kind, whose fields are its table's columns."""
    table = tables.EVENT_TABLES[kind]
    names = [field.name for field in fields(kind)]
    assert len(table.columns) == len(names) + 2, f"{table.name} has other columns than {kind}"
    values_of = _values_of(names)

    def project(rows: Rows, placed: PlacedEvent) -> None:
        event, _, block, log_index, _ = placed
        rows.add(table, (block.block_number, log_index, *values_of(event)))

    return project


def _values_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda event: ()
    if len(names) == 1:
        [name] = names
        return lambda event: (getattr(event, name),)
    return attrgetter(*names)
