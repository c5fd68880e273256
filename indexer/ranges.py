"""How many blocks to ask for at once: as many as the node gives and memory holds.

What a range will bring is foretold by the gas that its blocks used, where their headers are known:
a log costs its emitter 8 gas a byte and more.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexer.rpc import ANSWER_BYTES_MAX

FIRST_RANGE_BLOCKS = 8
RANGE_BLOCKS_MAX = 10_000
LOG_BYTES_WANTED = 12 * 2**20
GROWTH_MAX = 4
GAS_PER_BYTE_FIRST = 32.0
"""Before anything is learned: an ending of a consent takes 27,000 gas and 840 bytes on the wire."""
BYTES_PER_GAS_MAX = 1
"""On the wire, of a log without data, whose emitter pays 375 gas and as much for each topic. What
our contracts write takes a tenth of it at most: leaves 0.06 bytes, endings 0.03."""
BLOCK_BYTES_MAX = 512 * 2**20


def block_bytes_max(gas_used: int) -> int:
    """How long the answer for one block may be: as its gas allows, at least what any range may."""
    return max(ANSWER_BYTES_MAX, min(gas_used * BYTES_PER_GAS_MAX, BLOCK_BYTES_MAX))


class RangeSize:
    """Learns from each answer; halves where the node refuses."""

    def __init__(self) -> None:
        self.blocks = min(FIRST_RANGE_BLOCKS, RANGE_BLOCKS_MAX)
        self._gas_per_byte = GAS_PER_BYTE_FIRST

    def last_block(self, first: int, head: int) -> int:
        """The last block to ask for."""
        return min(head, first + self.blocks - 1)

    def fitting(self, gas_used: Sequence[int]) -> int:
        """How many of these blocks to ask for, at least one, by the gas that each used."""
        gas = 0
        for count, used in enumerate(gas_used):
            gas += used
            if count and gas > LOG_BYTES_WANTED * self._gas_per_byte:
                return count
        return len(gas_used)

    def learn(self, blocks: int, gas_used: int, log_bytes: int) -> None:
        """After an answer: aims at `LOG_BYTES_WANTED`, growing step by step."""
        if log_bytes > LOG_BYTES_WANTED // 100 and gas_used:
            self._gas_per_byte = gas_used / log_bytes
        fitting = blocks * GROWTH_MAX if log_bytes == 0 else blocks * LOG_BYTES_WANTED // log_bytes
        grown = max(self.blocks, blocks) * GROWTH_MAX
        self.blocks = max(1, min(fitting, grown, RANGE_BLOCKS_MAX))

    def halve(self, blocks: int) -> bool:
        """After a refusal of so many blocks; False if there was only one."""
        self.blocks = max(1, blocks // 2)
        return blocks > 1
