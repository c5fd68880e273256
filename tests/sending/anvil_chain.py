"""Anvil as a story plays it: blocks come, go and lose their transactions when it says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from node.sending.answers import Answer
from node.sending.chain import Head, Request, Reverted, RpcChain, Sighting
from tests.own_chain import OwnChain
from tests.sending.model_chain import Bytes, parse


class AnvilChain:
    """The part of the chain that a story makes, on the contracts that were there before."""

    def __init__(self, chain: OwnChain) -> None:
        self._chain = chain
        self._real: RpcChain = chain.reader()
        self._first_block = self._real.head().number
        self.price_min_wei = 0
        self.needs: dict[bytes, bytes] = {}

    # -- what the sender asks --------------------------------------------------------------------

    def identity(self) -> tuple[int, bytes]:
        return self._real.identity()

    def head(self) -> Head:
        return self._real.head()

    def look_up(self, sender: bytes, hashes: Sequence[bytes], behind: int = 0) -> Sighting:
        seen = self._real.look_up(sender, hashes)
        if not behind:
            return seen
        number = max(self._first_block, seen.head.number - behind)
        block = self._chain.web3.eth.get_block(number)
        account = self._chain.operator_account.address
        known = {each: mined for each, mined in seen.mined.items() if mined.block_number <= number}
        return replace(
            seen,
            head=Head(number, bytes(block["hash"])),
            nonce=self._chain.web3.eth.get_transaction_count(account, number),
            mined=known,
        )

    def estimate(self, sender: bytes, request: Request, price_wei: int, behind: int = 0) -> int:
        number = max(self._first_block, self._real.head().number - behind)
        refused = self._real.refusal(sender, request, number + 1) if behind else None
        if refused is not None:
            raise refused
        return self._real.estimate(sender, request, price_wei)

    def suggested_price(self) -> int:
        return self.price_min_wei

    def broadcast(self, raw: bytes, everywhere: bool) -> tuple[Answer, str]:
        if parse(raw).price_wei < self.price_min_wei:
            return Answer.UNDERPRICED, "its pool asks for more"
        return self._real.broadcast(raw, everywhere)

    def refusal(self, sender: bytes, request: Request, block_number: int) -> Reverted | None:
        return self._real.refusal(sender, request, block_number)

    def who_used(
        self, sender: bytes, nonce: int, first: int, last: int
    ) -> tuple[bytes, int] | None:
        return self._real.who_used(sender, nonce, first, last)

    # -- what happens to it ----------------------------------------------------------------------

    @property
    def nonce(self) -> int:
        return self._chain.nonce()

    def take(self, raw: bytes) -> Answer:
        return self._real.broadcast(raw, everywhere=False)[0]

    def mine(self) -> None:
        self._chain.mine(1)

    def lose_pool(self) -> None:
        self._chain.rpc("anvil_dropAllTransactions")

    def take_back(self, depth: int, keeps_pool: bool) -> None:
        head = self._real.head().number
        deep = min(depth, head - self._first_block)
        dropped = [
            self._raw(each)
            for number in range(head - deep + 1, head + 1)
            for each in self._hashes(number)
        ]
        if deep:
            self._chain.rpc("anvil_rollback", deep)
        if not keeps_pool:
            self.lose_pool()
        for raw in dropped if keeps_pool else ():
            self._real.broadcast(raw, everywhere=False)

    def transactions(self) -> Iterator[Bytes]:
        """One that ran out of gas is in a block, too, and did nothing."""
        web3: Any = self._chain.web3
        for number in range(self._first_block + 1, self._real.head().number + 1):
            for each in self._hashes(number):
                if web3.eth.get_transaction_receipt(each)["status"]:
                    yield parse(self._raw(each))

    def _hashes(self, number: int) -> list[bytes]:
        web3: Any = self._chain.web3
        return list(web3.eth.get_block(number)["transactions"])

    def _raw(self, transaction_hash: bytes) -> bytes:
        web3: Any = self._chain.web3
        return bytes(web3.eth.get_raw_transaction(transaction_hash))


@contextmanager
def anvil_of(chain: OwnChain) -> Iterator[AnvilChain]:
    """Blocks come by hand inside the block, the key can pay, and all is undone after it."""
    with chain.taken_back():
        chain.rpc("anvil_setBalance", chain.operator_account.address, hex(10**24))
        chain.rpc("evm_setAutomine", False)
        try:
            yield AnvilChain(chain)
        finally:
            chain.rpc("anvil_dropAllTransactions")
            chain.rpc("evm_setAutomine", True)
