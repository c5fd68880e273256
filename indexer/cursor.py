"""How far the index got: one row, changed in the same transaction as the facts it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from indexer import tables

NEWS_CHANNEL = "ptx_ledger"
"""Where PostgreSQL tells that the cursor moved."""


class AnotherChain(Exception):
    """The database belongs to another chain than the one that answers."""


class Halted(Exception):
    """The index must not go on by itself: what it holds as final contradicts the chain."""


class CursorMoved(Exception):
    """Somebody else moved the cursor since it was read."""


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by height, hash and time."""

    block_number: int
    block_hash: bytes
    block_time: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last block whose facts are in the index, and the chain it belongs to."""

    chain_id: int
    genesis_hash: bytes
    at: BlockRef


def read_cursor(connection: Connection) -> Cursor | None:
    """The cursor, or None before the first block."""
    row = connection.execute(select(tables.cursor)).one_or_none()
    if row is None:
        return None
    at = BlockRef(row.block_number, row.block_hash, row.block_time)
    return Cursor(row.chain_id, row.genesis_hash, at)


def hold_cursor(connection: Connection) -> Cursor | None:
    """The cursor, which nobody else moves until the transaction ends."""
    connection.execute(select(tables.cursor).with_for_update())
    return read_cursor(connection)


def lock_cursor(connection: Connection, expected: Cursor) -> None:
    """Holds the cursor until the transaction ends; raises CursorMoved if it is not the expected."""
    if hold_cursor(connection) != expected:
        raise CursorMoved("The cursor was moved by a rebuild or another indexer: read again.")


def move_cursor(connection: Connection, cursor: Cursor) -> None:
    """Writes the cursor; at COMMIT those who follow the index are told."""
    values = {
        "only": True,
        "chain_id": cursor.chain_id,
        "genesis_hash": cursor.genesis_hash,
        "block_number": cursor.at.block_number,
        "block_hash": cursor.at.block_hash,
        "block_time": cursor.at.block_time,
    }
    statement = insert(tables.cursor).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["only"], set_=values))
    connection.execute(select(func.pg_notify(NEWS_CHANNEL, "")))


def remember_blocks(connection: Connection, blocks: Sequence[BlockRef], window_blocks: int) -> None:
    """Adds blocks to the window and forgets those that fell out of it."""
    if not blocks:
        return
    connection.execute(
        insert(tables.recent_blocks).on_conflict_do_nothing(),
        [
            {
                "block_number": block.block_number,
                "block_hash": block.block_hash,
                "block_time": block.block_time,
            }
            for block in blocks
        ],
    )
    oldest = max(block.block_number for block in blocks) - window_blocks
    connection.execute(
        delete(tables.recent_blocks).where(tables.recent_blocks.c.block_number < oldest)
    )


def remembered_blocks(connection: Connection) -> list[BlockRef]:
    """The window, newest first."""
    statement = select(tables.recent_blocks).order_by(tables.recent_blocks.c.block_number.desc())
    return [
        BlockRef(row.block_number, row.block_hash, row.block_time)
        for row in connection.execute(statement)
    ]


@dataclass(frozen=True, slots=True)
class Proven:
    """The last block up to which the index was compared with headers and receipts."""

    block_number: int
    block_hash: bytes


def read_proven(connection: Connection) -> Proven | None:
    """How far it is proven; None before the first block."""
    columns = select(tables.proven.c.block_number, tables.proven.c.block_hash)
    row = connection.execute(columns).one_or_none()
    return None if row is None else Proven(*row)


def move_proven(connection: Connection, proven: Proven) -> None:
    """Writes how far it is proven."""
    values = {
        "only": True,
        "block_number": proven.block_number,
        "block_hash": proven.block_hash,
    }
    statement = insert(tables.proven).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["only"], set_=values))


def record_heartbeat(connection: Connection) -> None:
    """Notes that a head equal to the cursor was read just now: whatever halted it is over."""
    connection.execute(delete(tables.halt))
    now = func.clock_timestamp()
    statement = insert(tables.heartbeat).values(only=True, head_read_at=now)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["only"], set_={"head_read_at": now})
    )


def read_halt(connection: Connection) -> str | None:
    """Why the indexer stands still, if it does."""
    reason: str | None = connection.execute(select(tables.halt.c.reason)).scalar_one_or_none()
    return reason


def record_halt(connection: Connection, reason: str) -> None:
    """Notes why the indexer stopped of itself."""
    values = {"only": True, "halted_at": func.clock_timestamp(), "reason": reason}
    statement = insert(tables.halt).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["only"], set_=values))
