"""The sender and go-ethereum: a pool with prices, replacements and a memory of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from node.embedded.supervisor import free_port
from node.keys import load_or_create_account
from node.preparation import OPERATOR_KEY
from node.sending.answers import Answer
from node.sending.sender import Progress, Sender
from node.signers import KeySigner, LegacyTransaction
from tests.geth import run_geth
from tests.own_chain import (
    CHAIN_ID,
    OwnChain,
    OwnDatabase,
    open_own_database,
    prepare_own_chain,
    run_until_idle,
)
from tests.sending.exactly_once import DONE, Promised
from tests.sending.turning_clock import TurningClock
from tests.stage import Node, wait_until

pytestmark = pytest.mark.skipif(
    os.environ.get("PTX_TEST_CHAIN") != "geth", reason="runs on go-ethereum: PTX_TEST_CHAIN=geth"
)

TRANSFER_GAS = 21_000
WITHOUT_PRIVILEGE = ("--txpool.nolocals",)
"""What comes over RPC is held to the pool's rules, and forgotten when it stops."""
HIGHEST_WEI = 10**6


@dataclass
class Geth:
    """A client that is stopped and started again on the same chain."""

    folder: Path
    port: int
    rich: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    chain: OwnChain = field(init=False)

    def start(self, price_wei: int = 0, seals: bool = True) -> None:
        self.stop()
        least = str(max(1, price_wei))
        # A client that seals takes its sealer's price for the pool's, and 10^9 for none.
        rules = [*WITHOUT_PRIVILEGE, "--txpool.pricelimit", least, "--miner.gasprice", least]
        log = self.folder / "chain.log"
        if not price_wei:
            rules = []
        self.process = run_geth(self.folder, self.port, CHAIN_ID, log, rules, self.rich, seals)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def running(
    live_node: Node, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Geth]:
    folder = tmp_path_factory.mktemp("geth")
    operator = load_or_create_account(folder / "keys", OPERATOR_KEY)
    geth = Geth(folder, free_port("127.0.0.1", 0), [operator.address])
    try:
        geth.start()
        server = live_node.running.database_url
        geth.chain = prepare_own_chain(folder, geth.port, server, new_database())
        yield geth
    finally:
        geth.stop()


@pytest.fixture
def geth(running: Geth) -> Geth:
    """Sealing, without a price, whatever the test before left."""
    running.start()
    return running


@pytest.fixture
def promised(geth: Geth) -> Iterator[Promised]:
    database = open_own_database(geth.chain)
    yield Promised.on(database)
    database.owner.dispose()


def sender_of(database: OwnDatabase, clock: TurningClock, limit: int = HIGHEST_WEI) -> Sender:
    return database.sender(clock=clock, gas_price_max_wei=limit)


def until_sent(sender: Sender, database: OwnDatabase) -> None:
    def is_sent() -> bool:
        sender.step()
        return set(database.states()) == {"sent"}

    wait_until(is_sent, "that it was sent")


def until_idle(sender: Sender, clock: TurningClock) -> None:
    """As `run` does, a second of its clock at a time: what a pool refused is offered again."""

    def is_idle() -> bool:
        clock.turn(1.0)
        return sender.step() is Progress.IDLE

    wait_until(is_idle, "the sender's end")


def send_nearly_all(geth: Geth, source: LocalAccount, to: str, price_wei: int) -> None:
    """All that an account has, but for one transfer's gas at 1,000 wei."""
    web3 = geth.chain.web3
    kept = TRANSFER_GAS * 1_000
    fields: dict[str, Any] = {
        "nonce": web3.eth.get_transaction_count(source.address),
        "gasPrice": price_wei,
        "gas": TRANSFER_GAS,
        "to": to,
        "value": web3.eth.get_balance(source.address) - kept,
        "chainId": CHAIN_ID,
    }
    signed = source.sign_transaction(fields)
    web3.eth.send_raw_transaction(signed.raw_transaction)
    web3.eth.wait_for_transaction_receipt(signed.hash, poll_latency=0.02)


def prices_of(database: OwnDatabase) -> list[int]:
    rows = database.sql("SELECT gas_price_wei FROM node.attempts ORDER BY attempt_id")
    return [int(row.gas_price_wei) for row in rows]


def test_acts_reach_a_chain_without_a_price(promised: Promised) -> None:
    leaf = promised.anchor()
    promised.withdraw(leaf)
    promised.withdraw()
    run_until_idle(promised.database.sender())
    promised.require_done()


def test_its_answers_are_understood(geth: Geth) -> None:
    """The same bytes twice, a nonce that is used, one that leaves a gap, another for too little."""
    geth.start(price_wei=100)
    chain = geth.chain
    reader, signer = chain.reader(), KeySigner(chain.operator_account, CHAIN_ID)

    def offer(nonce: int, price_wei: int, to: bytes = b"\x07" * 20) -> Answer:
        signed = signer.sign(LegacyTransaction(nonce, price_wei, TRANSFER_GAS, to, 0, b""))
        return reader.broadcast(signed.raw, everywhere=False)[0]

    nonce = chain.nonce()
    assert offer(nonce, 99) is Answer.UNDERPRICED
    assert offer(nonce, 100) is Answer.TAKEN
    wait_until(lambda: chain.nonce() == nonce + 1, "a block")
    assert offer(nonce, 100) is Answer.NONCE_USED
    geth.start(price_wei=100, seals=False)
    assert offer(nonce + 1, 100) is Answer.TAKEN
    assert offer(nonce + 1, 100) is Answer.TAKEN, "already known"
    assert offer(nonce + 1, 105, to=b"\x08" * 20) is Answer.UNDERPRICED
    assert offer(nonce + 1, 113, to=b"\x08" * 20) is Answer.TAKEN
    with_nothing = KeySigner(Account.create(), CHAIN_ID)
    poor = with_nothing.sign(LegacyTransaction(0, 100, TRANSFER_GAS, b"\x07" * 20, 0, b""))
    assert reader.broadcast(poor.raw, everywhere=False)[0] is Answer.NO_FUNDS


def test_what_the_chain_asks_for_is_paid_and_no_more(geth: Geth, promised: Promised) -> None:
    geth.start(price_wei=1_000)
    address = geth.chain.operator_account.address
    before = geth.chain.web3.eth.get_balance(address)
    promised.anchor()
    clock = TurningClock()
    until_idle(sender_of(promised.database, clock), clock)
    promised.require_done()
    [row] = promised.database.sql(
        "SELECT t.gas_used, a.gas_price_wei FROM node.transactions t JOIN node.attempts a"
        " USING (hash)"
    )
    assert row.gas_price_wei >= 1_000
    spent = before - geth.chain.web3.eth.get_balance(address)
    assert spent == row.gas_used * row.gas_price_wei


def test_another_with_the_same_nonce_is_outbid(geth: Geth, promised: Promised) -> None:
    """Its pool holds a foreign one; ours is "replacement transaction underpriced" until it pays
    enough."""
    geth.start(price_wei=100, seals=False)
    chain = geth.chain
    foreign = KeySigner(chain.operator_account, CHAIN_ID).sign(
        LegacyTransaction(chain.nonce(), 2_000, TRANSFER_GAS, b"\x07" * 20, 0, b"")
    )
    assert chain.reader().broadcast(foreign.raw, everywhere=False)[0] is Answer.TAKEN
    promised.anchor()
    clock = TurningClock()
    sender = sender_of(promised.database, clock)
    until_sent(sender, promised.database)

    def outbids() -> bool:
        clock.turn(1.0)
        sender.step()
        return prices_of(promised.database)[-1] >= 2_200

    wait_until(outbids, "a price that its pool takes")
    # Sealing begins with what the pool holds, which a restart would lose: the bytes come again.
    geth.start(price_wei=100)
    until_idle(sender, clock)
    promised.require_done()
    assert len(prices_of(promised.database)) > 1


def test_a_pool_that_a_restart_emptied_gets_the_same_bytes_again(
    geth: Geth, promised: Promised
) -> None:
    geth.start(price_wei=100, seals=False)
    for _ in range(3):
        promised.anchor()
        promised.withdraw()
    clock = TurningClock()
    sender = sender_of(promised.database, clock, limit=10**9)
    until_sent(sender, promised.database)
    offered = promised.database.sql("SELECT raw FROM node.attempts ORDER BY attempt_id")
    geth.start(price_wei=100)
    until_idle(sender, clock)
    promised.require_done()
    first = {bytes(row.raw) for row in offered}
    kept = promised.database.sql("SELECT raw FROM node.attempts ORDER BY attempt_id")
    assert first <= {bytes(row.raw) for row in kept}


def test_without_funds_it_waits_for_somebody_to_fill_the_account(
    geth: Geth, promised: Promised
) -> None:
    """All but a little is sent away, and comes back."""
    rich, other = geth.chain.operator_account, Account.create()
    send_nearly_all(geth, rich, other.address, price_wei=0)
    geth.start(price_wei=1_000)
    promised = Promised.on(promised.database)
    promised.anchor()
    clock = TurningClock()
    sender = sender_of(promised.database, clock)
    for _ in range(20):
        clock.turn(5.0)
        sender.step()
    assert promised.database.states() == ["waiting"], "it estimates no gas for who cannot pay"
    send_nearly_all(geth, other, rich.address, price_wei=1_000)

    def is_done() -> bool:
        clock.turn(1.0)
        sender.step()
        return set(promised.database.states()) <= set(DONE)

    wait_until(is_done, "that it was sent")
    promised.require_done()
