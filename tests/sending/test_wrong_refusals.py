"""Nodes that call good bytes invalid: an act that was promised is carried out all the same."""

from __future__ import annotations

import pytest

from tests.own_chain import OwnChain
from tests.sending.exactly_once import Promised, nonces_of
from tests.sending.fault_chain import FaultChain, Hook, calls_invalid, first_calls_invalid
from tests.sending.turning_clock import TurningClock, settle


@pytest.mark.parametrize(
    "wrong",
    [calls_invalid(times=1), calls_invalid(times=2), first_calls_invalid()],
    ids=["once", "twice", "the first node always"],
)
def test_good_bytes_that_a_node_calls_invalid_keep_their_nonce(
    promised: Promised, chain: FaultChain, clock: TurningClock, wrong: Hook
) -> None:
    chain.before["broadcast"] = wrong
    promised.withdraw()
    settle(promised.database.sender(chain, clock=clock), clock)
    promised.require_done()
    assert len(nonces_of(promised.database)) == 1


def test_a_withdrawal_that_every_node_calls_invalid_for_a_while_is_done_in_the_end(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """Long enough to give its nonce away; then it waits and says why."""
    chain.before["broadcast"] = calls_invalid(times=5)
    promised.withdraw()
    sender = promised.database.sender(chain, clock=clock, finality_blocks=2)
    said: set[str] = set()

    def look() -> None:
        own_chain.mine(1)
        [row] = promised.database.sql("SELECT state, failure FROM node.outbox")
        assert row.state in ("waiting", "sent", "mined")
        said.update([row.failure["detail"]] if row.failure else [])

    settle(sender, clock, look, promised.has_none_waiting)
    assert any("invalid sender" in each for each in said), said
    promised.require_done(fillers=1)
