"""Postings as the indexer writes them, without a chain."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from indexer import tables
from indexer.cursor import BlockRef, Cursor, move_cursor, remember_blocks
from protocol.booking import BookedPosting

FINALITY_BLOCKS = 3


def write(connection: Connection, postings: list[BookedPosting]) -> None:
    """What the indexer would have written of these postings, its cursor at the last one."""
    blocks = {each.block_number: each for each in postings}
    refs = [BlockRef(n, each.transaction_hash, each.block_time) for n, each in blocks.items()]
    for ref in refs:
        place = {"block_number": ref.block_number}
        values = {**place, "block_hash": ref.block_hash, "block_time": ref.block_time}
        connection.execute(insert(tables.blocks), values)
        begun = {**place, "log_index": 0, "transaction_hash": ref.block_hash}
        connection.execute(insert(tables.transactions), begun)
    for each in postings:
        posting = {name: getattr(each.posting, name) for name in each.posting.__slots__}
        place = {
            "block_number": each.block_number,
            "log_index": each.log_index,
            "posting_index": each.posting_index,
        }
        values = {**place, **posting, "booking_month": each.booking_month}
        connection.execute(insert(tables.postings), values)
    remember_blocks(connection, refs, FINALITY_BLOCKS)
    move_cursor(connection, Cursor(1, bytes(32), refs[-1]))
