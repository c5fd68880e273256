"""Nodes that do not answer, lag, lose what they took: nothing is lost, nothing comes twice."""

from __future__ import annotations

from typing import Any

import pytest

from node.sending.answers import Answer
from tests.own_chain import OwnChain
from tests.sending.exactly_once import Promised, nonces_of
from tests.sending.fault_chain import (
    FaultChain,
    lost_reply,
    once,
    silent,
    without_receipts,
)
from tests.sending.turning_clock import TurningClock, settle


@pytest.mark.parametrize("method", ["estimate", "look_up", "broadcast", "identity", "head"])
@pytest.mark.parametrize("fault", ["silent", "lost"])
def test_an_answer_that_does_not_come_changes_nothing(
    promised: Promised, chain: FaultChain, clock: TurningClock, method: str, fault: str
) -> None:
    if fault == "silent":
        chain.before[method] = once(silent)
    else:
        chain.after[method] = once(lost_reply, passed=None)
        real_hook = chain.after[method]
        fired: list[bool] = []

        def lose_first(answer: Any, *arguments: Any) -> Any:
            if fired:
                return answer
            fired.append(True)
            return real_hook(answer, *arguments)

        chain.after[method] = lose_first
    promised.withdraw(promised.anchor())
    settle(promised.database.sender(chain, clock=clock), clock)
    promised.require_done()


@pytest.mark.parametrize("answer", [Answer.TAKEN, Answer.NONCE_USED, Answer.UNCLEAR])
def test_whatever_a_node_says_to_bytes_that_it_took_they_are_looked_up(
    promised: Promised, chain: FaultChain, clock: TurningClock, answer: Answer
) -> None:
    """ "already known", "nonce too low" and nonsense mean the same: look."""
    chain.after["broadcast"] = lambda _answer, *_: (answer, "as the test wants it")
    promised.anchor()
    settle(promised.database.sender(chain, clock=clock), clock)
    promised.require_done()
    assert len(nonces_of(promised.database)) == 1


def test_a_receipt_that_is_null_though_mined_is_waited_for(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    promised.anchor()
    chain.after["look_up"] = without_receipts
    sender = promised.database.sender(chain, clock=clock)
    for _ in range(20):
        sender.step()
        clock.turn(1.0)
    assert promised.database.states() == ["sent"]
    assert "who_used" in chain.calls
    chain.after.clear()
    settle(sender, clock)
    promised.require_done()


def test_what_the_pool_lost_is_offered_again_to_every_node(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    offers: list[bool] = []

    def lose(raw: bytes, everywhere: bool) -> Any:
        offers.append(everywhere)
        return (Answer.TAKEN, "") if len(offers) < 3 else FaultChain.PASSED

    chain.before["broadcast"] = lose
    promised.anchor()
    settle(promised.database.sender(chain, clock=clock), clock)
    assert offers == [False, True, True]
    promised.require_done()


def test_a_low_nonce_that_is_lost_holds_up_the_others_no_longer_than_it_must(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    chain.before["broadcast"] = once(lambda *_: (Answer.TAKEN, ""))
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock)
    sender.step()
    promised.withdraw()
    sender.step()
    assert own_chain.nonce() == promised.first_nonce
    settle(sender, clock)
    promised.require_done()
    assert len(nonces_of(promised.database)) == 2


def test_a_pool_that_a_restart_emptied_is_filled_again(
    own_chain: OwnChain, promised: Promised, clock: TurningClock
) -> None:
    own_chain.rpc("evm_setAutomine", False)
    try:
        sender = promised.database.sender(clock=clock)
        promised.anchor()
        sender.step()
        promised.withdraw()
        sender.step()
        own_chain.rpc("anvil_dropAllTransactions")
        own_chain.mine(1)
        assert own_chain.nonce() == promised.first_nonce
        settle(sender, clock, each=lambda: own_chain.mine(1))
    finally:
        own_chain.rpc("evm_setAutomine", True)
    promised.require_done()


def test_no_more_are_under_way_than_the_window_allows(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    own_chain.rpc("evm_setAutomine", False)
    try:
        sender = promised.database.sender(chain, clock=clock, window=3)
        for _ in range(4):
            promised.anchor()
            sender.step()
        assert chain.calls.count("broadcast") == 2  # the last place is for withdrawals alone
        promised.withdraw()
        sender.step()
        sender.step()
        assert chain.calls.count("broadcast") == 3
        assert promised.database.states().count("sent") == 3
        settle(sender, clock, each=lambda: own_chain.mine(1))
    finally:
        own_chain.rpc("evm_setAutomine", True)
    promised.require_done()
