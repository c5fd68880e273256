"""A chain of its own with more on it than any node has seen yet: what indexers are timed on.

Filled as only anvil lets it: from accounts without keys, in blocks without a gas limit. The
contracts, and so every event, are the ledger's own.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil
from eth_typing import ChecksumAddress
from web3 import Web3

from node.bench.ledger import CHAIN_ID, Ledger
from node.config import Settings
from node.embedded.chain import ANVIL, HOST, start_client
from node.embedded.supervisor import free_port
from node.wallet import connect_chain

REGISTRY = "ConsentRegistry"
ENDINGS_A_TRANSACTION = 1_000
ENDINGS_A_BLOCK = 10_000
HOLDERS_A_BLOCK = 10
BATCHES_A_BLOCK = 10
GAS_AN_ENDING = 60_000
GAS_A_LEAF = 2_000
GAS_A_TRANSACTION = 1_000_000
WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Filling:
    """What was put on a chain: events or leaves in blocks first to last, both included.

    `chain_bytes` is the chain's resident memory after it.
    """

    count: int
    first_block: int
    last_block: int
    seconds: float
    chain_bytes: int


@dataclass(frozen=True, slots=True)
class DenseChain:
    """The ledger on a chain that takes blocks of any size; it mines when it is told to."""

    url: str
    ledger: Ledger
    process_id: int

    @property
    def registry(self) -> ChecksumAddress:
        """Where the consents' events come from."""
        return self.ledger.deployment.address_of(REGISTRY)

    def end_leaves(self, count: int, a_block: int = ENDINGS_A_BLOCK) -> Filling:
        """So many random leaves ended, one event each; those of one transaction by one account.

        A block takes the chain longer the more leaves have been ended before (it hashes all of
        them anew), so few large blocks are soonest there. Both counts: whole thousands.
        """

        def end(size: int) -> None:
            nobody = secrets.token_bytes(20)
            self._end(nobody, [secrets.token_bytes(WORD_BYTES) for _ in range(size)])

        return self._fill(count, ENDINGS_A_TRANSACTION, a_block, end)

    def withdraw(self, groups: Iterable[tuple[bytes, Sequence[bytes]]]) -> None:
        """Leaves ended by their holders, one transaction a holder, ten of them a block."""
        self.ledger.rpc("evm_setAutomine", False)
        for number, (holder, leaves) in enumerate(groups, start=1):
            self._end(holder, leaves)
            if number % HOLDERS_A_BLOCK == 0:
                self.ledger.rpc("evm_mine")
        self.ledger.rpc("evm_mine")
        self.ledger.rpc("evm_setAutomine", True)

    def anchor_leaves(self, leaves: Iterator[bytes], count: int, a_batch: int) -> Filling:
        """The next `count` leaves anchored by the school, in whole batches of at most 10,000."""
        school = self.ledger.school

        def anchor(size: int) -> None:
            data = _anchor(bytes(school.organisation), list(islice(leaves, size)))
            self._send(
                bytes.fromhex(school.wallet.address[2:]),
                data,
                GAS_A_TRANSACTION + size * GAS_A_LEAF,
            )

        return self._fill(count, a_batch, min(count, a_batch * BATCHES_A_BLOCK), anchor)

    def add_empty_blocks(self, count: int) -> None:
        """Blocks on top, which make those below final to whoever counts so many."""
        for _ in range(count):  # one by one: beside many ended leaves each takes a second
            self.ledger.rpc("evm_mine")

    def _fill(
        self, count: int, a_transaction: int, a_block: int, send: Callable[[int], None]
    ) -> Filling:
        assert count % a_transaction == a_block % a_transaction == 0, (count, a_transaction)
        eth = self.ledger.web3.eth
        self.ledger.rpc("evm_setAutomine", False)
        started, before = time.perf_counter(), eth.block_number
        for first in range(0, count, a_block):
            for _ in range(first, min(first + a_block, count), a_transaction):
                send(a_transaction)
            self.ledger.rpc("evm_mine")
        seconds, last = time.perf_counter() - started, eth.block_number
        self.ledger.rpc("evm_setAutomine", True)
        return Filling(count, before + 1, last, seconds, self._resident_bytes())

    def _end(self, who: bytes, leaves: Sequence[bytes]) -> None:
        self._send(who, _end_many(leaves), len(leaves) * GAS_AN_ENDING)

    def _send(self, sender: bytes, data: bytes, gas: int) -> None:
        call = {
            "from": "0x" + sender.hex(),
            "to": self.registry,
            "data": "0x" + data.hex(),
            "gas": hex(gas),
        }
        self.ledger.rpc("eth_sendTransaction", {**call, "gasPrice": "0x0"})

    def _resident_bytes(self) -> int:
        return int(psutil.Process(self.process_id).memory_info().rss)


@contextmanager
def open_dense_chain(folder: Path) -> Iterator[DenseChain]:
    """A new chain with the ledger on it, gone after the block; nothing of it is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port(HOST, 0)
    url = f"http://{HOST}:{port}"
    settings = Settings(state_dir=folder, chain_id=CHAIN_ID, chain_url=url)
    command = [
        str(ANVIL),
        *("--host", HOST, "--port", str(port), "--chain-id", str(CHAIN_ID), "--no-cors"),
        *("--hardfork", settings.chain_hardfork, "--gas-price", "0", "--base-fee", "0"),
        *("--accounts", "0", "--auto-impersonate", "--silent"),
        *("--disable-block-gas-limit", "--no-request-size-limit"),
        "--prune-history",  # no former states; blocks, transactions and logs stay readable
    ]
    process = start_client(command, port, CHAIN_ID, folder / "chain.log")
    try:
        yield DenseChain(url, Ledger(connect_chain(settings)), process.pid)
    finally:
        process.terminate()
        process.wait()


def _end_many(leaves: Sequence[bytes]) -> bytes:
    """Calldata of `multicall([withdraw(leaf), ...])`; eth_abi takes longer than the chain does."""
    count = len(leaves)
    selector = _selector("withdraw(bytes32)")
    length = len(selector) + WORD_BYTES
    padding = bytes(2 * WORD_BYTES - length)
    calls = [_word(length) + selector + leaf + padding for leaf in leaves]
    places = [_word(count * WORD_BYTES + number * len(calls[0])) for number in range(count)]
    head = _selector("multicall(bytes[])") + _word(WORD_BYTES) + _word(count)
    return b"".join([head, *places, *calls])


def _anchor(issuer: bytes, leaves: Sequence[bytes]) -> bytes:
    """Calldata of `anchor(issuer, leaves)`."""
    head = _selector("anchor(address,bytes32[])") + bytes(12) + issuer
    return head + _word(2 * WORD_BYTES) + _word(len(leaves)) + b"".join(leaves)


def _selector(signature: str) -> bytes:
    return bytes(Web3.keccak(text=signature)[:4])


def _word(number: int) -> bytes:
    return number.to_bytes(WORD_BYTES)
