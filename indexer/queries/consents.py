"""Leaves: whether, when and where an issuer anchored them, and who ended them when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Connection,
    LargeBinary,
    any_,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import TypeEngine

from indexer import tables
from indexer.queries.places import in_block, transaction_of
from protocol.consent import ConsentFacts, Endings
from protocol.entries import Entry, leaf_of
from protocol.types import HASH_LENGTH, Leaf, Root, UnixSeconds

BYTES_ARRAY: TypeEngine[Any] = ARRAY(LargeBinary)


@dataclass(frozen=True, slots=True)
class Anchoring:
    """A leaf in one batch of its issuer."""

    leaf_index: int
    root: Root
    first_index: int
    size: int
    anchored_at: UnixSeconds
    block_number: int
    log_index: int
    transaction_hash: bytes

    @property
    def index(self) -> int:
        """Index of the leaf in the batch."""
        return self.leaf_index - self.first_index


@dataclass(frozen=True, slots=True)
class EndingRow:
    """Who ended a leaf in their own namespace, and when."""

    who: bytes
    leaf: Leaf
    ended_at: UnixSeconds
    block_number: int
    log_index: int
    transaction_hash: bytes


def find_anchoring(connection: Connection, issuer: bytes, leaf: bytes) -> Anchoring | None:
    """The first batch of this issuer that holds the leaf; others' copies count for nothing."""
    leaves, batches, blocks = tables.leaves, tables.batches, tables.blocks
    statement = (
        select(
            leaves.c.leaf_index,
            batches.c.root,
            batches.c.first_index,
            batches.c.size,
            blocks.c.block_time,
            blocks.c.block_number,
            batches.c.log_index,
            transaction_of(batches).label("transaction_hash"),
        )
        .join(
            batches,
            (batches.c.block_number == leaves.c.block_number)
            & leaves.c.leaf_index.between(
                batches.c.first_index, batches.c.first_index + batches.c.size - 1
            ),
        )
        .join(blocks, in_block(batches))
        .where(leaves.c.leaf == leaf, batches.c.issuer == issuer)
        .order_by(leaves.c.leaf_index)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return (
        None
        if row is None
        else Anchoring(
            leaf_index=row.leaf_index,
            root=row.root,
            first_index=row.first_index,
            size=row.size,
            anchored_at=row.block_time,
            block_number=row.block_number,
            log_index=row.log_index,
            transaction_hash=row.transaction_hash,
        )
    )


def count_leaves(connection: Connection) -> int:
    """Leaves in the log, by the last batch."""
    batches = tables.batches
    statement = (
        select(batches.c.first_index + batches.c.size)
        .order_by(batches.c.first_index.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none() or 0


def last_batch_block(connection: Connection) -> int | None:
    """The block of the last batch."""
    statement = select(func.max(tables.batches.c.block_number))
    last: int | None = connection.execute(statement).scalar_one()
    return last


def is_anchored(connection: Connection, leaf: bytes) -> bool:
    """Whether the log holds the leaf, in whosever namespace."""
    statement = select(tables.leaves.c.leaf_index).where(tables.leaves.c.leaf == leaf).limit(1)
    return connection.execute(statement).first() is not None


def batch_leaves(connection: Connection, anchoring: Anchoring) -> list[Leaf]:
    """All leaves of the batch, in order; they come as one value, since thousands of rows take
    longer than a proof may."""
    leaves = tables.leaves
    last = anchoring.first_index + anchoring.size - 1
    nothing_between = aggregate_order_by(literal(b"", LargeBinary), leaves.c.leaf_index)
    statement = select(func.string_agg(leaves.c.leaf, nothing_between)).where(
        leaves.c.leaf_index.between(anchoring.first_index, last)
    )
    joined: bytes = connection.execute(statement).scalar_one() or b""
    return [
        Leaf(joined[start : start + HASH_LENGTH]) for start in range(0, len(joined), HASH_LENGTH)
    ]


def endings_of(connection: Connection, leaf: bytes, whos: Collection[bytes]) -> list[EndingRow]:
    """Endings of the leaf in these namespaces, in the order of the chain."""
    endings, blocks = tables.endings, tables.blocks
    statement = (
        select(
            endings.c.who,
            endings.c.leaf,
            blocks.c.block_time,
            blocks.c.block_number,
            endings.c.log_index,
            transaction_of(endings),
        )
        .join(blocks, in_block(endings))
        .where(endings.c.leaf == leaf, endings.c.who.in_(list(whos)))
        .order_by(endings.c.block_number, endings.c.log_index)
    )
    return [EndingRow(*row) for row in connection.execute(statement)]


def consent_facts(
    connection: Connection, entries: Sequence[Entry], registry: bytes
) -> list[ConsentFacts]:
    """What the chain says of consents, in order: first anchorings, and the endings that count."""
    leaves = [leaf_of(entry) for entry in entries]
    anchored = _first_anchorings(connection, leaves)
    ended = _endings_by_who(connection, leaves)
    return [
        ConsentFacts(
            anchored_at=anchored.get((entry.issuer, leaf)),
            endings=Endings(
                withdrawn_at=ended.get((entry.holder, leaf)),
                revoked_at=ended.get((entry.issuer, leaf)),
                invalidated_at=ended.get((registry, leaf)),
            ),
        )
        for entry, leaf in zip(entries, leaves, strict=True)
    ]


def standing_sql(leaf: str, issuer: str) -> str:
    """SQL for whether the issuer anchored a leaf and nobody has ended it, in whosever namespace.
    For statements that ask of rows of their own; the arguments are columns."""
    return (
        "(EXISTS (SELECT FROM ledger.leaves AS l"
        " JOIN ledger.batches AS b ON b.block_number = l.block_number"
        " AND l.leaf_index BETWEEN b.first_index AND b.first_index + b.size - 1"
        f" WHERE l.leaf = {leaf} AND b.issuer = {issuer})"
        f" AND NOT EXISTS (SELECT FROM ledger.endings AS e WHERE e.leaf = {leaf}))"
    )


def is_ended_by(leaf: ColumnElement[Any], *whos: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether one of these ended a leaf in their own namespace; for statements that ask of rows of
    their own."""
    endings = tables.endings
    return exists().where(endings.c.leaf == leaf, endings.c.who.in_(whos))


def _first_anchorings(
    connection: Connection, asked: Sequence[Leaf]
) -> dict[tuple[bytes, Leaf], UnixSeconds]:
    leaves, batches, blocks = tables.leaves, tables.batches, tables.blocks
    statement = (
        select(batches.c.issuer, leaves.c.leaf, func.min(blocks.c.block_time))
        .join(
            batches,
            (batches.c.block_number == leaves.c.block_number)
            & leaves.c.leaf_index.between(
                batches.c.first_index, batches.c.first_index + batches.c.size - 1
            ),
        )
        .join(blocks, in_block(batches))
        .where(leaves.c.leaf == any_(_bytes_array(asked)))
        .group_by(batches.c.issuer, leaves.c.leaf)
    )
    rows = connection.execute(statement)
    return {(issuer, leaf): UnixSeconds(time) for issuer, leaf, time in rows}


def _endings_by_who(
    connection: Connection, asked: Sequence[Leaf]
) -> dict[tuple[bytes, Leaf], UnixSeconds]:
    endings, blocks = tables.endings, tables.blocks
    statement = (
        select(endings.c.who, endings.c.leaf, blocks.c.block_time)
        .join(blocks, in_block(endings))
        .where(endings.c.leaf == any_(_bytes_array(asked)))
    )
    rows = connection.execute(statement)
    return {(who, leaf): UnixSeconds(time) for who, leaf, time in rows}


def _bytes_array(values: Sequence[bytes]) -> BindParameter[Any]:
    return literal(list(values), BYTES_ARRAY)
