"""Events in the order of the chain, whatever their kind, each with its block and transaction.

First come the places, one ordered scan over the keys of all tables; then the rows at these places,
a query for each kind of event among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Table,
    bindparam,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from indexer import tables
from indexer.decode import CONTRACT_EVENTS
from indexer.queries.places import in_block, transaction_of
from protocol import contracts
from protocol.events import EVENT_TYPES, Event
from protocol.types import Hash32, UnixSeconds, to_hex

LOG_INDEX_MAX = 2**31 - 1
NAMING = ("organisation", "operator", "consumer")
"""Columns of events that name an organisation, most of them with an index."""
DECIMAL_KINDS = ("uint64", "uint256")
"""Numbers that JSON does not carry exactly: they are decimal text."""


class Place(NamedTuple):
    """Where an event stands in one history of the chain; places sort as events happened."""

    block_number: int
    log_index: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as JSON has it. `arguments` are those of the Solidity interface: bytes as 0x-hex,
    numbers of 64 bits and more as text; of a batch of leaves the size, not the leaves."""

    place: Place
    name: str
    block_hash: Hash32
    block_time: UnixSeconds
    transaction_hash: Hash32
    arguments: dict[str, Any]

    @property
    def event_id(self) -> str:
        """The same wherever and whenever it is read: no other event has its block and place."""
        return f"{to_hex(self.block_hash)}-{self.place.log_index}"

    @property
    def contract(self) -> str | None:
        """The contract that alone reports events of this name; None where several do."""
        return _reporters()[self.name]


def events_from(
    connection: Connection,
    first: Place,
    block_number_max: int,
    names: Iterable[str],
    limit: int,
    organisation: bytes | None = None,
) -> list[EventRow]:
    """At most `limit` events of these names, from a place on up to the end of a block; those alone
    that name an organisation, if one is given."""
    values = {"block": first.block_number, "log": first.log_index}
    about = {} if organisation is None else {"organisation": organisation}
    statement = _places(tuple(sorted(names)), organisation is not None)
    found = connection.execute(
        statement, {**values, **about, "last": block_number_max, "count": limit}
    )
    keys = found.all()
    if not keys:
        return []
    last = Place(keys[-1].block_number, keys[-1].log_index)
    rows = [
        row
        for name in {key.name for key in keys}
        for row in _rows(connection, name, first, last, about)
    ]
    return sorted(rows, key=lambda row: row.place)


def _place_of(table: Any) -> ColumnElement[Any]:
    return tuple_(table.c.block_number, table.c.log_index)


def _bound(block: str, log: str) -> ColumnElement[Any]:
    return tuple_(bindparam(block, type_=BigInteger), bindparam(log, type_=Integer))


def _names_organisation(table: Table) -> ColumnElement[bool]:
    """Whether a row names the organisation that is asked for."""
    asked = bindparam("organisation", type_=LargeBinary)
    return or_(*(table.c[name] == asked for name in NAMING if name in table.c))


@cache
def _places(names: tuple[str, ...], of_one: bool) -> Select[Any]:
    """A merge of the tables' primary keys: it reads no more of each than the page has."""
    count = bindparam("count", type_=Integer)
    of_each_kind = [
        select(
            literal(name, literal_execute=True).label("name"),
            table.c.block_number,
            table.c.log_index,
        )
        .where(
            _place_of(table) >= _bound("block", "log"),
            table.c.block_number <= bindparam("last", type_=BigInteger),
            _names_organisation(table) if of_one else true(),
        )
        .order_by(table.c.block_number, table.c.log_index)
        .limit(count)
        for name in names
        for table in [tables.EVENT_TABLES[EVENT_TYPES[name]]]
    ]
    keys = union_all(*of_each_kind).subquery()
    return select(keys).order_by(keys.c.block_number, keys.c.log_index).limit(count)


@cache
def _at_places(name: str, of_one: bool) -> Select[Any]:
    table, blocks = tables.EVENT_TABLES[EVENT_TYPES[name]], tables.blocks
    return (
        select(
            blocks.c.block_hash,
            blocks.c.block_time,
            transaction_of(table),
            *table.c,
        )
        .join(blocks, in_block(table))
        .where(
            _place_of(table) >= _bound("block", "log"),
            _place_of(table) <= _bound("last_block", "last_log"),
            _names_organisation(table) if of_one else true(),
        )
    )


def _rows(
    connection: Connection, name: str, first: Place, last: Place, about: dict[str, bytes]
) -> Iterable[EventRow]:
    values = {
        **about,
        "block": first.block_number,
        "log": first.log_index,
        "last_block": last.block_number,
        "last_log": last.log_index,
    }
    writers = _argument_writers(name)
    for row in connection.execute(_at_places(name, bool(about)), values):
        block_hash, block_time, transaction_hash, block_number, log_index, *stored = row
        arguments = {
            argument: write(value) for (argument, write), value in zip(writers, stored, strict=True)
        }
        place = Place(block_number, log_index)
        yield EventRow(place, name, block_hash, block_time, transaction_hash, arguments)


@cache
def _argument_writers(name: str) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Names of an event's arguments, and what makes JSON of each as it is stored."""
    contract = next(c for c, names in CONTRACT_EVENTS.items() if name in names)
    [event] = [e for e in contracts.abi(contract) if e["type"] == "event" and e["name"] == name]
    kind: type[Event] = EVENT_TYPES[name]
    assert len(event["inputs"]) == len(fields(kind)), f"{name} has other arguments than {kind}"
    return tuple(_argument_writer(item["name"], item["type"]) for item in event["inputs"])


def _argument_writer(name: str, kind: str) -> tuple[str, Callable[[Any], Any]]:
    if kind == "bytes32[]":
        return "size", int
    if kind in DECIMAL_KINDS:
        return name, lambda value: str(int(value))
    if kind in ("address", "bytes32", "bytes"):
        return name, to_hex
    return name, lambda value: value


@cache
def _reporters() -> dict[str, str | None]:
    reporters: dict[str, list[str]] = {}
    for contract, names in CONTRACT_EVENTS.items():
        for name in names:
            reporters.setdefault(name, []).append(contract)
    return {name: by[0] if len(by) == 1 else None for name, by in reporters.items()}
