"""What a node means when it does not simply take a transaction: several wordings, few meanings."""

from __future__ import annotations

from enum import Enum


class Answer(Enum):
    """What follows from a node's answer to `eth_sendRawTransaction`.

    None of them means that the transaction failed: another node, or the same one before, may have
    taken the same bytes.
    """

    TAKEN = "taken"
    """It is in the node's pool, or was already."""
    NONCE_USED = "nonce used"
    """Something with this nonce is in a block: these bytes or others; look it up."""
    TOO_EARLY = "too early"
    """Lower nonces come first: the pool keeps no more so far ahead."""
    UNDERPRICED = "underpriced"
    """The chain asks for a higher price, or the pool for more than for the one that it has."""
    NO_FUNDS = "no funds"
    """The key's account cannot pay: somebody has to fill it."""
    INVALID = "invalid"
    """The node says that these bytes can never be in a block. It may be wrong."""
    UNCLEAR = "unclear"
    """Anything else; ask again later."""


_WORDINGS: tuple[tuple[str, Answer], ...] = (
    ("already known", Answer.TAKEN),
    ("known transaction", Answer.TAKEN),
    ("already imported", Answer.TAKEN),
    ("alreadyknown", Answer.TAKEN),
    ("nonce too low", Answer.NONCE_USED),
    ("nonce below", Answer.NONCE_USED),
    ("nonce is too low", Answer.NONCE_USED),
    ("old nonce", Answer.NONCE_USED),
    ("oldnonce", Answer.NONCE_USED),
    ("replacement transaction underpriced", Answer.UNDERPRICED),
    ("transaction underpriced", Answer.UNDERPRICED),
    ("gas price too low", Answer.UNDERPRICED),
    ("gas price below", Answer.UNDERPRICED),
    ("gasprice is less", Answer.UNDERPRICED),
    ("less than block base fee", Answer.UNDERPRICED),
    ("below current base fee", Answer.UNDERPRICED),
    ("max fee per gas", Answer.UNDERPRICED),
    ("fee too low", Answer.UNDERPRICED),
    ("underpriced", Answer.UNDERPRICED),
    ("insufficient funds", Answer.NO_FUNDS),
    ("upfront cost exceeds", Answer.NO_FUNDS),
    ("nonce too high", Answer.TOO_EARLY),
    ("too distant", Answer.TOO_EARLY),
    ("nonce gap", Answer.TOO_EARLY),
    ("gapped-nonce", Answer.TOO_EARLY),
    ("too far in the future", Answer.TOO_EARLY),
    ("distance from current nonce", Answer.TOO_EARLY),
    ("exceeds block gas limit", Answer.INVALID),
    ("gas limit exceeds", Answer.INVALID),
    ("exceeds the configured", Answer.INVALID),
    ("intrinsic gas", Answer.INVALID),
    ("oversized data", Answer.INVALID),
    ("max initcode", Answer.INVALID),
    ("invalid sender", Answer.INVALID),
    ("chain id", Answer.INVALID),
    ("chainid", Answer.INVALID),
)
"""What go-ethereum 1.10 to 1.17, Besu 22 to 25, Erigon, Nethermind and anvil say, in lower case."""


def meaning_of(message: str) -> Answer:
    """What a node's refusal means."""
    said = message.lower().replace("_", " ")
    return next((answer for wording, answer in _WORDINGS if wording in said), Answer.UNCLEAR)


def is_about_gas(message: str) -> bool:
    """Whether an estimate failed because a block has no room for so much at once."""
    said = message.lower()
    return any(
        wording in said
        for wording in (
            "gas required exceeds",
            "exceeds block gas limit",
            "gas limit exceeds",
            "out of gas",
            "exceeds allowance",
        )
    )
