"""Whether a contract's refusal is for good.

Whoever estimates may lag, or see blocks that are taken back: what one node says ends no act. An act
has failed when the newest block that is known refuses its call, and did so for as many blocks that
nothing before them can be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from node.sending.acts import Act
from node.sending.chain import Request, Reverted, SenderChain
from node.sending.failures import Failure
from node.sending.settling import Settling

SINCE = "refusedSinceBlock"
"""In the values of a failure that is not for good yet, as the API shows them."""


class Refused(NamedTuple):
    """On the state of which block a call is refused, and how."""

    block_number: int
    reverted: Reverted


class Verdicts:
    """Of one key."""

    def __init__(
        self, sender: bytes, chain: SenderChain, settling: Settling, finality_blocks: int
    ) -> None:
        """`finality_blocks`: for how many blocks a call must be refused."""
        self._sender = sender
        self._chain = chain
        self._settling = settling
        self._finality_blocks = finality_blocks

    def refused(self, request: Request) -> Refused | None:
        """None if the newest block takes the call after all, or if nobody who knows that block
        answers, or if the chain has lost blocks and it is not clear yet what is in it."""
        seen = self._chain.look_up(self._sender, [])
        self._settling.note_head(seen)
        head = seen.head.number
        if not self._settling.knows_all_up_to(head):
            return None
        reverted = self._chain.refusal(self._sender, request, head + 1)
        return None if reverted is None else Refused(head, reverted)

    def for_good(self, acts: Sequence[Act], block_number: int) -> list[Act]:
        """Those that have been refused long enough, the last time on the state of this block."""
        return [
            act
            for act in acts
            if block_number - first_refused(act, block_number) >= self._finality_blocks
        ]


def first_refused(act: Act, block_number: int) -> int:
    """Since when it waits for being refused for good; this block if it has not been refused yet."""
    values = (act.failure or {}).get("values", {})
    return min(int(values.get(SINCE, block_number)), block_number)


def refused_since(failure: Failure, block_number: int) -> Failure:
    """The reason of an act that waits."""
    return {**failure, "values": {**failure["values"], SINCE: block_number}}
