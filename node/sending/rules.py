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
    """No node takes these bytes: use the nonce up with a transaction that does nothing, or nothing
    after it gets into a block."""
    INVESTIGATE = "investigate"
    """Its nonce is used and no receipt of it is known: find out by what."""


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many blocks, or seconds where no block comes, a transaction is offered again."""

    blocks: int
    seconds: float


REFUSALS_MIN = 3
"""How often in a row every node must have called bytes invalid before their nonce is used up. One
node may be wrong, and all of them for a moment: while they start, or follow another chain."""
TRANSFER_GAS, ZERO_BYTE_GAS, BYTE_GAS = 21_000, 4, 16


@dataclass(slots=True)
class Offered:
    """When this process offered a transaction last, and what the answer meant; `refusals` counts
    how often in a row every node has called it invalid, `said` is how."""

    at_block: int
    at: float
    times: int = 1
    is_underpriced: bool = False
    is_invalid: bool = False
    refusals: int = 0
    said: str = ""


def can_never_be_valid(data: bytes, gas: int, block_gas_max: int) -> bool:
    """Whether a transaction's own figures say so, whatever nodes do: more gas than a block has room
    for, or less than its bytes alone cost (EIP-2028)."""
    zeros = data.count(0)
    least = TRANSFER_GAS + ZERO_BYTE_GAS * zeros + BYTE_GAS * (len(data) - zeros)
    return not least <= gas <= block_gas_max


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
    if offered.refusals >= REFUSALS_MIN:
        return Move.FILL
    if offered.is_underpriced and may_raise:
        return Move.RAISE
    is_one_word = offered.is_invalid and not offered.refusals  # the other nodes are asked at once
    if not (is_due or is_one_word):
        return Move.WAIT
    may_raise = may_raise and offered.times > 1 and not offered.is_invalid
    return Move.RAISE if may_raise else Move.SPREAD
