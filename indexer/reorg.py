"""Reorganisations: find the last block that the chain and the index share, and take back the rest.

Every ledger row carries its block, so taking back is deleting from a block on.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from indexer import tables
from indexer.chain import Chain, ChainUnreachable
from indexer.cursor import BlockRef, Cursor, Halted, move_cursor, remembered_blocks
from indexer.removals import record_roll_back


class ReorganisationTooDeep(Halted):
    """No block that may still change is on the chain any more: what was final is not."""


def find_common_ancestor(connection: Connection, chain: Chain) -> BlockRef:
    """The newest remembered block that the chain still has.

    Raises ReorganisationTooDeep when the chain has others in all their places, ChainUnreachable
    where the node does not have the oldest place yet.
    """
    remembered = remembered_blocks(connection)
    headers = chain.headers([block.block_number for block in remembered])
    for block, header in zip(remembered, headers, strict=True):
        if header is not None and header.block_hash == block.block_hash:
            return block
    lowest = remembered[-1].block_number
    if headers[-1] is None:
        raise ChainUnreachable(f"{chain.name} does not have block {lowest}, which is in the index")
    raise ReorganisationTooDeep(
        f"The chain shares none of the remembered blocks (down to {lowest}, which is final) with "
        "the index. Nothing was changed. Check that the node follows the right chain; if the chain "
        "really was replaced, run `ptx-ledger index rebuild`."
    )


def roll_back(connection: Connection, cursor: Cursor, ancestor: BlockRef) -> int:
    """Deletes every fact after the ancestor and moves the cursor there, as well as what is proven;
    returns rows deleted.

    The index is not fresh until it equals a head again, however soon after the last time.
    """
    record_roll_back(connection, ancestor)
    deleted = 0
    for table in (*tables.LEDGER_TABLES, tables.recent_blocks):
        statement = delete(table).where(table.c.block_number > ancestor.block_number)
        deleted += connection.execute(statement).rowcount
    connection.execute(delete(tables.heartbeat))
    connection.execute(
        update(tables.proven)
        .where(tables.proven.c.block_number > ancestor.block_number)
        .values(block_number=ancestor.block_number, block_hash=ancestor.block_hash)
    )
    move_cursor(connection, Cursor(cursor.chain_id, cursor.genesis_hash, ancestor))
    return deleted


def delete_all_facts(connection: Connection) -> None:
    """Empties the index, for a rebuild from the chain; what the chain does not tell stays."""
    for table in reversed(tables.metadata.sorted_tables):
        if table not in tables.FEED_TABLES:
            connection.execute(delete(table))
    assert connection.execute(select(tables.cursor)).first() is None
