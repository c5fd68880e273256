"""Rows on their way into the database: a table and the values of its columns, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from psycopg import Connection as PsycopgConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Table

from indexer import tables
from indexer.decode import PlacedEvent


class Row(NamedTuple):
    """One row; the values follow the table's columns."""

    table: Table
    values: tuple[Any, ...]


def fact_row(table: Table, placed: PlacedEvent, *values: Any) -> Row:
    """A row of a fact table: (block number, log index) and the fact's own values."""
    return Row(table, (placed.origin.block_number, placed.origin.log_index, *values))


def event_row(placed: PlacedEvent) -> Row:
    """The row that ties (block number, log index) to time and transaction."""
    return fact_row(
        tables.events,
        placed,
        placed.origin.block_hash,
        placed.origin.block_time,
        placed.origin.transaction_hash,
        placed.contract,
        type(placed.event).__name__,
    )


def copy_rows(connection: Connection, rows: Iterable[Row]) -> None:
    """Writes rows with COPY, a table at a time, inside the caller's transaction."""
    grouped: dict[Table, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        assert len(row.values) == len(row.table.columns), row.table.name
        grouped[row.table].append(row.values)
    raw = connection.connection.driver_connection
    assert isinstance(raw, PsycopgConnection)
    with raw.cursor() as cursor:
        for table, values in grouped.items():
            assert table.schema is not None
            statement = SQL("COPY {} FROM STDIN").format(Identifier(table.schema, table.name))
            with cursor.copy(statement) as copy:
                for value in values:
                    copy.write_row(value)
