"""How the index's tables are described: columns by kind, and rows at a place on the chain."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
)

from protocol import events

metadata = MetaData()

Amount = Numeric(78, 0)
Unsigned64 = Numeric(20, 0)

EVENT_TABLES: dict[type[events.Event], Table] = {}
"""From an event's class to the table that holds it."""


def octets(name: str, **options: Any) -> Column[Any]:
    """Bytes: a hash, an address, an id, data."""
    return Column(name, LargeBinary, nullable=False, **options)


def number(name: str, **options: Any) -> Column[Any]:
    """A whole number of 64 bits."""
    return Column(name, BigInteger, nullable=False, **options)


def small(name: str, **options: Any) -> Column[Any]:
    """A whole number of 16 bits."""
    return Column(name, SmallInteger, nullable=False, **options)


def text(name: str) -> Column[Any]:
    """A text."""
    return Column(name, Text, nullable=False)


def amount(name: str) -> Column[Any]:
    """A number of 256 bits: an amount in base units, or whatever else a contract counts."""
    return Column(name, Amount, nullable=False)


def units(name: str) -> Column[Any]:
    """A number of 64 bits without a sign."""
    return Column(name, Unsigned64, nullable=False)


def fact_table(name: str, *columns: Column[Any] | Index) -> Table:
    """Rows at a place on the chain; the place is the key unless the columns add to it."""
    return Table(
        name,
        metadata,
        Column("block_number", BigInteger, primary_key=True, autoincrement=False),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
        *columns,
        schema="ledger",
    )


def event_table(kind: type[events.Event], name: str, *columns: Column[Any] | Index) -> Table:
    """The table of one kind of event."""
    table = EVENT_TABLES[kind] = fact_table(name, *columns)
    return table
