"""How many blocks to ask for at once: as many as the node gives and memory holds."""

from __future__ import annotations

FIRST_RANGE_BLOCKS = 8
RANGE_BLOCKS_MAX = 10_000
LOG_BYTES_WANTED = 12 * 2**20
GROWTH_MAX = 4


class RangeSize:
    """Learns from each answer; halves where the node refuses."""

    def __init__(self) -> None:
        self.blocks = min(FIRST_RANGE_BLOCKS, RANGE_BLOCKS_MAX)

    def last_block(self, first: int, head: int) -> int:
        """The last block to ask for."""
        return min(head, first + self.blocks - 1)

    def learn(self, blocks: int, log_bytes: int) -> None:
        """After an answer: aims at `LOG_BYTES_WANTED`, growing step by step."""
        fitting = blocks * GROWTH_MAX if log_bytes == 0 else blocks * LOG_BYTES_WANTED // log_bytes
        grown = max(self.blocks, blocks) * GROWTH_MAX
        self.blocks = max(1, min(fitting, grown, RANGE_BLOCKS_MAX))

    def halve(self, blocks: int) -> bool:
        """After a refusal of so many blocks; False if there was only one."""
        self.blocks = max(1, blocks // 2)
        return blocks > 1
