"""What to do about a transaction that was sent and is in no block that was seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Move(Enum):
    """The next step for one transaction."""

    WAIT = "wait"
    BROADCAST = "broadcast"
    """Offer the newest bytes to the first node."""
    SPREAD = "spread"
    """Offer them to every node."""
    RAISE = "raise"
    """Sign the same call with the same nonce at a higher price."""
    FILL = "fill"
    """These bytes can never be in a block: use the nonce up with a transaction that does nothing,
    or nothing after it gets into one."""
    INVESTIGATE = "investigate"
    """Its nonce is used and no receipt of it is known: find out by what."""


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many blocks, or seconds where no block comes, a transaction is offered again."""

    blocks: int
    seconds: float


@dataclass(slots=True)
class Offered:
    """When this process offered a transaction last, and what the answer meant."""

    at_block: int
    at: float
    times: int = 1
    is_underpriced: bool = False
    is_invalid: bool = False


def next_move(
    nonce: int,
    nonce_on_chain: int,
    offered: Offered | None,
    head: int,
    now: float,
    patience: Patience,
    may_raise: bool,
) -> Move:
    """The next step for a transaction without a receipt.

    `nonce_on_chain` is how many of the key's transactions are in blocks, by the same node at the
    same time as the missing receipt; `offered` None where this process has not offered it yet: a
    crash may have come before or after another one did.
    """
    if offered is None:
        return Move.BROADCAST if nonce_on_chain <= nonce else Move.INVESTIGATE
    is_due = head - offered.at_block >= patience.blocks or now - offered.at >= patience.seconds
    if nonce_on_chain > nonce:
        return Move.INVESTIGATE if is_due else Move.WAIT
    if offered.is_invalid:
        return Move.FILL
    if offered.is_underpriced and may_raise:
        return Move.RAISE
    if not is_due:
        return Move.WAIT
    return Move.RAISE if may_raise and offered.times > 1 else Move.SPREAD
