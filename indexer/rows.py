"""Rows on their way into the database, as the text that PostgreSQL's COPY reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from psycopg import Connection as PsycopgConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

NULL = "\\N"


class Rows:
    """Rows of many tables in the order in which they were added, ready to be copied."""

    def __init__(self) -> None:
        self._lines: dict[Table, list[str]] = {}
        self._encoders: dict[Table, tuple[Callable[[Any], str], ...]] = {}

    def add(self, table: Table, values: Sequence[Any]) -> None:
        """One row; the values follow the table's columns."""
        encoders = self._encoders.get(table)
        if encoders is None:
            encoders = self._encoders[table] = encoders_of(table)
        line = "\t".join([encode(v) for encode, v in zip(encoders, values, strict=True)])
        self.add_lines(table, [line])

    def add_lines(self, table: Table, lines: Iterable[str]) -> None:
        """Rows that are encoded already."""
        self._lines.setdefault(table, []).extend(lines)

    def copy_to(self, connection: Connection) -> None:
        """Writes all rows inside the caller's transaction, a table at a time."""
        raw = connection.connection.driver_connection
        assert isinstance(raw, PsycopgConnection)
        with raw.cursor() as cursor:
            for table, lines in self._lines.items():
                if lines:
                    assert table.schema is not None
                    name = Identifier(table.schema, table.name)
                    with cursor.copy(SQL("COPY {} FROM STDIN").format(name)) as copy:
                        copy.write("\n".join(lines) + "\n")


def encoders_of(table: Table) -> tuple[Callable[[Any], str], ...]:
    """What makes text of each column's value."""
    return tuple(
        _nullable(_encoder(column.type)) if column.nullable else _encoder(column.type)
        for column in table.columns
    )


def _encoder(kind: object) -> Callable[[Any], str]:
    if isinstance(kind, LargeBinary):
        return encode_bytes
    if isinstance(kind, JSONB):
        return lambda value: _encode_text(json.dumps(value))
    if isinstance(kind, Text):
        return _encode_text
    return str


def _nullable(encode: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: NULL if value is None else encode(value)


def encode_bytes(value: bytes) -> str:
    """Bytes in PostgreSQL's hexadecimal form, its backslash escaped for COPY."""
    return "\\\\x" + value.hex()


def _encode_text(value: str) -> str:
    return (
        value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    )
