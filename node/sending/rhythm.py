"""When blocks come, and when a transaction of withdrawals is worth one of the few places that are
left before the next.

What is sent before a block is in it, however late it was sent. So each transaction waits until half
of the time is over that the one before it had: the last of four places is taken an eighth of a
block's time before the block, and who withdraws after that waits an eighth longer than a block.
Were all places taken by the first who come, everybody after them would wait for two blocks.
"""

from __future__ import annotations

from collections import deque
from statistics import median

BLOCKS_REMEMBERED = 9
PERIOD_SECONDS_MAX = 15.0
"""A chain that makes no empty blocks has no rhythm while it idles."""
SHORTEST_SECONDS = 0.05


class Rhythm:
    """Of one chain, by the clock of who looks at it."""

    def __init__(self) -> None:
        self._number = 0
        self._seen_at = 0.0
        self._periods: deque[float] = deque(maxlen=BLOCKS_REMEMBERED)

    def saw(self, number: int, now: float) -> None:
        """The head has this number; called as often as somebody looks."""
        if number == self._number:
            return
        blocks = number - self._number
        if self._number and blocks > 0:
            self._periods.append((now - self._seen_at) / blocks)
        self._number, self._seen_at = number, now

    @property
    def period_seconds(self) -> float | None:
        """From block to block; None if that is not known, or too long to be a rhythm."""
        usual = median(self._periods) if self._periods else 0.0
        return usual if 0.0 < usual <= PERIOD_SECONDS_MAX else None

    def is_worth_a_place(self, under_way: int, now: float) -> bool:
        """Whether to send one more, with so many in no block yet; the first goes at once."""
        period = self.period_seconds
        if under_way == 0 or period is None:
            return True
        left = self._seen_at + period - now
        return left <= max(period / 2.0**under_way, SHORTEST_SECONDS)
