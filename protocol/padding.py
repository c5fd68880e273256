"""Batch sizes that do not tell how many consented.

A batch is filled with random leaves up to the next of a few sizes, so that a size on chain
stands for a whole range of real counts.
"""

from __future__ import annotations

from protocol.errors import BatchSizeInvalid

PADDED_SIZES = (8, 64, 512, 1_000, 2_000, 5_000, 10_000)
BATCH_SIZE_MAX = PADDED_SIZES[-1]


def padded_size(count: int) -> int:
    """The size to which `count` real leaves are filled up, in leaves.

    Raises BatchSizeInvalid for none, or for more than 10,000.
    """
    if count < 1 or count > BATCH_SIZE_MAX:
        raise BatchSizeInvalid(size=count, maximum=BATCH_SIZE_MAX)
    return next(size for size in PADDED_SIZES if size >= count)
