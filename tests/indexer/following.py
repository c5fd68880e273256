"""An indexer that follows in a thread, as its process does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.runner import Indexer

POLL_SECONDS = 0.01


@contextmanager
def following(indexer: Indexer) -> Iterator[threading.Thread]:
    """It runs inside the block; what ends it by itself is raised at the block's end."""
    stop, ended_by = threading.Event(), list[BaseException]()

    def follow() -> None:
        try:
            indexer.follow(stop, POLL_SECONDS, lambda blocks: None)
        except BaseException as error:
            ended_by.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(20)
    if ended_by:
        raise ended_by[0]
