"""A nonce that others use, a price that rises: every nonce carries one thing in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import rlp
from eth_account import Account

from node.sending.answers import Answer
from node.sending.chain import Sighting
from tests.own_chain import OwnChain, OwnDatabase
from tests.sending.exactly_once import Promised, nonces_of
from tests.sending.fault_chain import (
    FaultChain,
    once,
)
from tests.sending.turning_clock import TurningClock, settle


def use_nonce_elsewhere(own_chain: OwnChain) -> None:
    """Somebody with the same key sends something of their own."""
    account = own_chain.operator_account
    fields: dict[str, Any] = {
        "nonce": own_chain.nonce(),
        "gasPrice": 0,
        "gas": 21_000,
        "to": Account.create().address,
        "value": 0,
        "chainId": own_chain.deployment.chain_id,
    }
    signed = account.sign_transaction(fields)
    own_chain.web3.eth.send_raw_transaction(signed.raw_transaction)
    own_chain.web3.eth.wait_for_transaction_receipt(signed.hash, poll_latency=0.02)


def test_a_nonce_used_elsewhere_is_given_up_once_nothing_takes_its_block_back(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    chain.before["broadcast"] = once(lambda *_: use_nonce_elsewhere(own_chain) or FaultChain.PASSED)
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock, finality_blocks=3)
    for _ in range(10):
        sender.step()
        clock.turn(1.0)
    assert promised.database.states() == ["sent"], "its block may still be taken back"
    settle(sender, clock, each=lambda: own_chain.mine(1))
    promised.require_done(displaced=1)


def test_nonces_used_elsewhere_before_are_passed_over(
    own_chain: OwnChain, own_database: OwnDatabase, clock: TurningClock
) -> None:
    use_nonce_elsewhere(own_chain)
    promised = Promised.on(own_database)
    promised.anchor()
    settle(own_database.sender(clock=clock), clock)
    promised.require_done()


def test_a_lagging_node_behind_a_balancer_changes_no_nonce(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """Every second answer comes from a node that knows none of the key's transactions."""
    turns = iter(range(1_000))

    def lag(sighting: Sighting, *_arguments: Any) -> Sighting:
        if next(turns) % 2:
            return sighting
        return replace(sighting, nonce=promised.first_nonce, mined={})

    chain.after["look_up"] = lag
    for _ in range(3):
        promised.anchor()
    sender = promised.database.sender(chain, clock=clock)
    for _ in range(12):
        sender.step()
        promised.withdraw()
        clock.turn(1.0)
    chain.after.clear()
    settle(sender, clock)
    promised.require_done()


def underpriced_below(price_wei: int, own_chain: OwnChain) -> Callable[..., Any]:
    """A node that takes nothing below a price."""

    def judge(raw: bytes, everywhere: bool) -> Any:
        return FaultChain.PASSED if price_of(raw) >= price_wei else (Answer.UNDERPRICED, "low")

    return judge


def price_of(raw: bytes) -> int:
    return int.from_bytes(rlp.decode(raw)[1])


def test_one_that_is_underpriced_is_offered_again_for_more(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    own_chain.rpc("anvil_setBalance", own_chain.operator_account.address, hex(10**20))
    chain.before["suggested_price"] = lambda: 100
    chain.before["broadcast"] = underpriced_below(150, own_chain)
    promised.anchor()
    settle(promised.database.sender(chain, clock=clock, gas_price_max_wei=1_000), clock)
    promised.require_done()
    rows = promised.database.sql("SELECT gas_price_wei FROM node.attempts ORDER BY attempt_id")
    assert [int(row.gas_price_wei) for row in rows] == [100, 113, 128, 145, 164]


def test_the_original_is_mined_though_a_replacement_was_sent(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """Two hashes stand for one nonce, and the first receipt counts."""
    own_chain.rpc("anvil_setBalance", own_chain.operator_account.address, hex(10**20))
    chain.before["suggested_price"] = lambda: 100
    kept: list[bytes] = []

    def keep_first(raw: bytes, everywhere: bool) -> Any:
        kept.append(raw)
        return Answer.UNDERPRICED, "low"

    chain.before["broadcast"] = keep_first
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock, gas_price_max_wei=1_000)
    for _ in range(3):
        sender.step()
    assert len(kept) == 3
    own_chain.web3.eth.send_raw_transaction(kept[0])
    settle(sender, clock)
    promised.require_done()
    [row] = promised.database.sql(
        "SELECT t.hash, a.attempt_id = min(a.attempt_id) OVER () AS is_first"
        " FROM node.transactions t JOIN node.attempts a USING (hash)"
    )
    first = promised.database.sql("SELECT hash FROM node.attempts ORDER BY attempt_id LIMIT 1")
    assert row.hash == first[0].hash


def test_no_more_is_paid_than_the_operator_allows(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    promised.chain.rpc("anvil_setBalance", promised.chain.operator_account.address, hex(10**20))
    chain.before["suggested_price"] = lambda: 10_000
    chain.before["broadcast"] = lambda raw, _: (Answer.UNDERPRICED, f"{price_of(raw)} is low")
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock, gas_price_max_wei=120)
    for _ in range(10):
        sender.step()
        clock.turn(5.0)
    rows = promised.database.sql("SELECT gas_price_wei FROM node.attempts")
    assert [int(row.gas_price_wei) for row in rows] == [120]
    assert promised.database.states() == ["sent"]


def test_one_that_ran_out_of_gas_is_tried_anew_once_its_block_is_final(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """What an estimate said on one state may be too little on the next."""
    estimates = iter([40_000])
    chain.after["estimate"] = lambda gas, *_: next(estimates, gas)
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock, finality_blocks=3)
    settle(sender, clock)
    [act] = promised.database.sql("SELECT state, failure FROM node.outbox")
    assert (act.state, act.failure["name"]) == ("sent", "MinedInVain")
    assert promised.anchor_counts() == {}, "its block may still be taken back"
    own_chain.mine(3)
    settle(sender, clock)
    promised.require_done(displaced=1)


def test_without_funds_it_waits_and_goes_on_once_there_are_some(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    chain.before["broadcast"] = lambda *_: (Answer.NO_FUNDS, "insufficient funds for gas")
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock)
    for _ in range(10):
        sender.step()
        clock.turn(5.0)
    assert promised.database.states() == ["sent"]
    chain.before.clear()
    settle(sender, clock)
    promised.require_done()
    assert len(nonces_of(promised.database)) == 1
