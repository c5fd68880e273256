"""The leaves' indexes, by place and by leaf, which a long back-fill builds once at its end.

A leaf is a random number: into a tree of millions of them each new one costs a random write, ten
times the work of sorting them all at the end; and a tree by place that grows row by row costs three
times one that is built at once. Nobody can ask meanwhile, since an index that has not reached the
head is stale.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from eth_hash.auto import keccak
from sqlalchemy import Connection, Engine, text

from indexer.chain import Chain, ChainRefused, Header
from indexer.cursor import Cursor
from indexer.queries.consents import count_leaves

BACK_FILL_BLOCKS_MIN = 64
DEFERRED_LEAVES_MIN = 200_000
"""Fewer, beside those that are there already, are not worth building the indexes anew."""

logger = structlog.get_logger("indexer")


def drop_lookups_before(
    engine: Engine, chain: Chain, addresses: Mapping[str, bytes], cursor: Cursor, head: Header
) -> None:
    """Drops the leaves' indexes if most leaves of the chain are still to come, or all."""
    blocks = head.block_number - cursor.at.block_number
    if blocks < BACK_FILL_BLOCKS_MIN:
        return
    registry = "0x" + addresses["ConsentRegistry"].hex()
    try:
        size = int.from_bytes(chain.call(registry, keccak(b"logSize()")[:4], head.block_number))
    except ChainRefused:  # the state is forgotten: the indexes are filled the slower way
        return
    with engine.begin() as connection:
        known = count_leaves(connection)
        if known == 0 or size - known >= max(known, DEFERRED_LEAVES_MIN):
            logger.info("back_fill", blocks=blocks, leaves=size - known)
            connection.execute(text("SELECT indexing.drop_lookups()"))


def build_lookups(connection: Connection) -> None:
    """Builds what is missing of the leaves' indexes."""
    connection.execute(text("SELECT indexing.build_lookups()"))
