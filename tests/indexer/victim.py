"""An indexer in a process of its own, to be killed."""

from __future__ import annotations

import threading

from sqlalchemy import create_engine

import indexer.ranges
from indexer.chain import Chain
from indexer.runner import Indexer, Source
from tests.indexer.scripted_chain import ADDRESSES, CHAIN_ID, WINDOW_BLOCKS

RANGE_BLOCKS = 3


def follow_to_head(database_url: str, chain_url: str) -> None:
    """Follows the chain in short ranges until it has said that it stands at the head."""
    indexer.ranges.RANGE_BLOCKS_MAX = RANGE_BLOCKS
    source = Source(Chain(chain_url), dict(ADDRESSES), 1, CHAIN_ID, WINDOW_BLOCKS)
    stop = threading.Event()

    def stop_at_head(moved: int) -> None:
        if moved == 0:
            stop.set()

    Indexer(create_engine(database_url), source).follow(stop, 0.01, stop_at_head)
