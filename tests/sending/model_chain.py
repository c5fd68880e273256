"""A chain with one account, in memory: blocks, a pool, and the rules by which they take bytes.

It is to a real node what the sender sees of it; `test_model.py` holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import rlp
from eth_hash.auto import keccak

from node.sending.answers import Answer
from node.sending.chain import Head, Mined, Request, Reverted, Sighting

GAS = 100_000
BLOCK_GAS_MAX = 30_000_000


class Bytes(NamedTuple):
    """A signed transaction."""

    nonce: int
    price_wei: int
    gas: int
    to: bytes
    data: bytes
    raw: bytes

    @property
    def hash(self) -> bytes:
        return keccak(self.raw)


class Block(NamedTuple):
    """Its hash names its parent and what is in it, and a number that tells twins apart."""

    hash: bytes
    transactions: tuple[Bytes, ...]


def parse(raw: bytes) -> Bytes:
    """The parts of a legacy transaction's bytes."""
    nonce, price, gas, to, _value, data, *_signature = rlp.decode(raw)
    return Bytes(*map(int.from_bytes, (nonce, price, gas)), to, data, raw)


@dataclass
class ModelChain:
    """`pool_ahead`: how many nonces after the account's a pool keeps; `price_min_wei`: what it
    asks for; `raise_percent`: how much more for one in the place of another."""

    genesis_hash: bytes
    chain_id: int
    pool_ahead: int = 4
    price_min_wei: int = 0
    raise_percent: int = 10
    blocks: list[Block] = field(default_factory=list)
    pool: dict[int, Bytes] = field(default_factory=dict)
    made: int = 0
    needs: dict[bytes, bytes] = field(default_factory=dict)
    """A call with these 32 bytes in it is refused before one with those others is in a block."""

    def __post_init__(self) -> None:
        self.blocks.append(Block(self.genesis_hash, ()))
        self.mine()

    # -- what the sender asks --------------------------------------------------------------------

    def identity(self) -> tuple[int, bytes]:
        return self.chain_id, self.genesis_hash

    def head(self) -> Head:
        return Head(len(self.blocks) - 1, self.blocks[-1].hash)

    def look_up(self, sender: bytes, hashes: Sequence[bytes], behind: int = 0) -> Sighting:
        """By a node that lags as many blocks behind."""
        return sighting_of(self.blocks[: max(2, len(self.blocks) - behind)], hashes)

    def estimate(self, sender: bytes, request: Request, price_wei: int, behind: int = 0) -> int:
        """By a node that lags as many blocks behind."""
        if self._refuses(request, max(2, len(self.blocks) - behind)):
            raise Reverted("execution reverted", "0x")
        return GAS

    def suggested_price(self) -> int:
        return self.price_min_wei

    def broadcast(self, raw: bytes, everywhere: bool) -> tuple[Answer, str]:
        return self.take(raw), "the model's answer"

    def refusal(self, sender: bytes, request: Request, block_number: int) -> Reverted | None:
        if block_number > len(self.blocks) or not self._refuses(request, block_number):
            return None
        return Reverted("execution reverted", "0x")

    def _refuses(self, request: Request, blocks: int) -> bool:
        """On the state after so many blocks."""
        done = b"".join(each.data for block in self.blocks[:blocks] for each in block.transactions)
        return any(
            later in request.data and earlier not in done for later, earlier in self.needs.items()
        )

    def who_used(
        self, sender: bytes, nonce: int, first: int, last: int
    ) -> tuple[bytes, int] | None:
        for number in range(first, min(last, len(self.blocks) - 1) + 1):
            for transaction in self.blocks[number].transactions:
                if transaction.nonce == nonce:
                    return transaction.hash, number
        return None

    # -- what happens to it ----------------------------------------------------------------------

    @property
    def nonce(self) -> int:
        return sum(len(block.transactions) for block in self.blocks)

    def take(self, raw: bytes) -> Answer:
        """The pool's rules."""
        new = parse(raw)
        known = self.pool.get(new.nonce)
        if new.nonce < self.nonce:
            return Answer.NONCE_USED
        if known is not None and known.raw == raw:
            return Answer.TAKEN
        if new.gas > BLOCK_GAS_MAX:
            return Answer.INVALID
        is_outbid = known is not None and not self._outbids(new, known)
        if new.price_wei < self.price_min_wei or is_outbid:
            return Answer.UNDERPRICED
        if new.nonce > self.nonce + self.pool_ahead:
            return Answer.TOO_EARLY
        self.pool[new.nonce] = new
        return Answer.TAKEN

    def _outbids(self, new: Bytes, known: Bytes) -> bool:
        least = -(-known.price_wei * (100 + self.raise_percent) // 100)
        return new.price_wei >= max(least, known.price_wei + 1)

    def mine(self) -> None:
        """A block of all that may come next."""
        taken: list[Bytes] = []
        while (nonce := self.nonce + len(taken)) in self.pool:
            taken.append(self.pool.pop(nonce))
        self.made += 1
        parts = [self.blocks[-1].hash, self.made.to_bytes(8), *(each.hash for each in taken)]
        self.blocks.append(Block(keccak(b"".join(parts)), tuple(taken)))
        self._drop_stale()

    def lose_pool(self) -> None:
        """As a restart of its nodes."""
        self.pool.clear()

    def take_back(self, depth: int, keeps_pool: bool) -> None:
        """Drops the newest blocks; their transactions return to the pool, or all of it is lost."""
        dropped: list[Bytes] = []
        for _ in range(min(depth, len(self.blocks) - 2)):
            dropped += self.blocks.pop().transactions
        if not keeps_pool:
            self.pool.clear()
        for transaction in dropped if keeps_pool else ():
            self.pool[transaction.nonce] = transaction

    def transactions(self) -> Iterator[Bytes]:
        """All in blocks, in order."""
        for block in self.blocks:
            yield from block.transactions

    def _drop_stale(self) -> None:
        for nonce in [nonce for nonce in self.pool if nonce < self.nonce]:
            del self.pool[nonce]


def sighting_of(blocks: Sequence[Block], hashes: Sequence[bytes]) -> Sighting:
    """What a node whose newest block is the last of these says."""
    wanted, mined, nonce = set(hashes), {}, 0
    for number, block in enumerate(blocks):
        nonce += len(block.transactions)
        for transaction in block.transactions:
            if transaction.hash in wanted:
                mined[transaction.hash] = Mined(number, block.hash, True, GAS, ())
    return Sighting(Head(len(blocks) - 1, blocks[-1].hash), nonce, mined, BLOCK_GAS_MAX)
