"""Acts that can never be carried out, or not yet: they say why, and stop no other."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from indexer.rpc import ChainRefused, ChainUnreachable
from node.sending.answers import Answer
from node.sending.journal import ATTEMPTS_MIN
from node.sending.sender import Progress
from node.signers import KeySigner
from protocol.types import to_hex
from tests.own_chain import OwnChain, OwnDatabase
from tests.sending.exactly_once import Promised
from tests.sending.fault_chain import (
    FaultChain,
    Hook,
    once,
    silent,
)
from tests.sending.turning_clock import TurningClock, settle

BLOCK_GAS = 30_000_000
"""What a block of the embedded chain has room for."""


def invalid_is_the_first() -> Hook:
    """A node that never takes the first bytes that it gets, and takes all others."""
    first: list[bytes] = []

    def judge(raw: bytes, everywhere: bool) -> Any:
        if not first:
            first.append(raw)
        return (Answer.INVALID, "exceeds block gas limit") if raw in first else FaultChain.PASSED

    return judge


def test_bytes_that_can_never_be_valid_leave_no_gap(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """The nonce is used up by a transaction that does nothing; the act is tried again in another
    one, alone it has failed."""
    signs = KeySigner(own_chain.operator_account, own_chain.deployment.chain_id)
    chain.before["broadcast"] = invalid_is_the_first()
    promised.anchor()
    promised.anchor()
    sender = promised.database.sender(chain, signer=signs, clock=clock, finality_blocks=2)

    def look() -> None:
        own_chain.mine(1)
        if "mined" in promised.database.states():  # never of a filler's block
            assert all(promised.anchor_counts()[leaf] for leaf in promised.anchored)

    settle(sender, clock, look, promised.has_none_waiting)
    promised.require_done(fillers=1)


def test_a_single_act_that_can_never_be_valid_has_failed(
    own_chain: OwnChain, own_database: OwnDatabase, chain: FaultChain, clock: TurningClock
) -> None:
    """The chain itself refuses it: no block has room for its gas, however often that is asked."""
    chain.before["estimate"] = lambda *_: 2 * BLOCK_GAS
    promised = Promised.on(own_database)
    own_database.promise_anchor()
    sender = own_database.sender(chain, clock=clock, finality_blocks=2)
    settle(sender, clock, lambda: own_chain.mine(1), promised.has_none_waiting)
    [row] = own_database.sql("SELECT state, failure, attempts FROM node.outbox")
    assert (row.state, row.failure["name"]) == ("failed", "TransactionInvalid")
    assert row.attempts == own_chain.nonce() - promised.first_nonce == ATTEMPTS_MIN
    chain.before.clear()
    later = promised.anchor()
    settle(sender, clock)
    assert promised.anchor_counts()[later] == 1


def test_one_wrong_estimate_of_the_gas_fails_nothing(
    own_chain: OwnChain, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """Its bytes can never be valid; the act can."""
    chain.before["estimate"] = once(lambda *_: 2 * BLOCK_GAS)
    promised.withdraw()
    sender = promised.database.sender(chain, clock=clock, finality_blocks=2)
    settle(sender, clock, lambda: own_chain.mine(1), promised.has_none_waiting)
    promised.require_done(fillers=1)


def test_what_just_fits_into_a_block_gets_no_margin_that_does_not(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    chain.before["estimate"] = lambda *_: BLOCK_GAS - 1
    promised.withdraw()
    settle(promised.database.sender(chain, clock=clock), clock)
    promised.require_done()
    [row] = promised.database.sql("SELECT gas FROM node.transactions")
    assert row.gas == BLOCK_GAS


def test_a_payload_of_which_no_call_can_be_made_fails_alone(
    own_database: OwnDatabase, promised: Promised, clock: TurningClock
) -> None:
    own_database.promise("withdraw", secrets.token_bytes(32), {"holder": "nobody"})
    own_database.promise("settle", secrets.token_bytes(32), {}, own_database.chain.operator)
    promised.withdraw()
    promised.anchor()
    settle(own_database.sender(clock=clock), clock)
    rows = own_database.sql("SELECT state, failure FROM node.outbox ORDER BY outbox_id")
    assert [row.state for row in rows] == ["failed", "failed", "mined", "mined"]
    assert [row.failure["name"] for row in rows[:2]] == ["ActMalformed"] * 2
    assert own_database.chain.nonce() == promised.first_nonce + 2


def test_what_a_block_has_no_room_for_goes_in_halves(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    def judge(_sender: bytes, request: Any, _price: int) -> Any:
        if len(request.data) > 64 * 32:
            raise ChainRefused("no", "gas required exceeds allowance (30000000)")
        return FaultChain.PASSED

    chain.before["estimate"] = judge
    for _ in range(100):
        promised.anchor()
    settle(promised.database.sender(chain, clock=clock), clock)
    promised.require_done()


def test_a_node_that_refuses_one_act_holds_up_no_other(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    refusals: list[int] = []

    def judge(_sender: bytes, request: Any, _price: int) -> Any:
        if to_hex(request.to) == to_hex(registry) and len(refusals) < 3:
            refusals.append(1)
            raise ChainRefused("no", "internal error")
        return FaultChain.PASSED

    registry = promised.chain.deployment.address_bytes("UsageSettlement")
    chain.before["estimate"] = judge
    promised.withdraw()
    promised.anchor()
    settle(promised.database.sender(chain, clock=clock), clock)
    promised.require_done()


def test_what_expired_before_it_was_sent_says_so(
    own_database: OwnDatabase, clock: TurningClock
) -> None:
    over = int(clock.now()) + 2
    chain_is_away = FaultChain(own_database.chain.reader(), before={"estimate": silent})
    own_database.promise("sign", secrets.token_bytes(32), SIGN, expires_at=over)
    sender = own_database.sender(chain_is_away, clock=clock)
    with pytest.raises(ChainUnreachable):
        sender.step()
    assert own_database.states() == ["waiting"]
    clock.turn(3.0)
    sender.step()
    [row] = own_database.sql("SELECT state, failure FROM node.outbox")
    assert (row.state, row.failure["name"]) == ("expired", "ActExpired")


SIGN = {
    "termsHash": to_hex(bytes(32)),
    "organisation": to_hex(b"\x01" * 20),
    "signer": to_hex(b"\x02" * 20),
    "signature": to_hex(bytes(65)),
}


def test_an_act_that_waits_for_a_later_time_holds_back_its_like_alone(
    own_database: OwnDatabase, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """The node refuses the first anchor for a while; the withdrawal of its leaf waits behind it."""
    leaf = promised.anchor()
    refusals = iter([True])

    def judge(_sender: bytes, request: Any, _price: int) -> Any:
        if leaf in request.data and next(refusals, False):
            raise ChainRefused("no", "internal error")
        return FaultChain.PASSED

    chain.before["estimate"] = judge
    sender = own_database.sender(chain, clock=clock)
    sender.step()
    promised.withdraw(leaf)
    promised.withdraw()
    while sender.step() is not Progress.IDLE:
        pass
    assert own_database.states() == ["waiting", "waiting", "mined"]
    clock.turn(1.0)
    settle(sender, clock)
    promised.require_done()


def test_an_issuer_that_is_refused_spoils_no_other(
    own_database: OwnDatabase, promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """They share a transaction first; then each is tried alone."""
    stranger = secrets.token_bytes(32)
    own_database.promise("anchor", stranger, {}, b"\x01" * 20)
    promised.anchor()
    settle(own_database.sender(chain, clock=clock), clock)
    [refused, done] = own_database.sql("SELECT state, failure FROM node.outbox ORDER BY outbox_id")
    assert (refused.state, refused.failure["name"]) == ("failed", "NotAuthorised")
    assert done.state == "mined"
    counts = promised.anchor_counts()
    assert (counts[stranger], counts[promised.anchored[0]]) == (0, 1)
    assert chain.calls.count("broadcast") == 1


def test_several_issuers_share_one_transaction(
    own_chain: OwnChain, own_database: OwnDatabase, chain: FaultChain, clock: TurningClock
) -> None:
    """A refusal of the estimate is believed only of each alone; here the node lets both pass."""
    chain.before["estimate"] = lambda *_: 500_000
    promised = Promised.on(own_database)
    promised.anchor()
    own_database.promise("anchor", secrets.token_bytes(32), {}, b"\x01" * 20)
    sender = own_database.sender(chain, clock=clock)
    settle(sender, clock)
    rows = own_database.sql("SELECT state, failure, transaction_id FROM node.outbox")
    assert len({row.transaction_id for row in rows}) == 1
    assert {row.state for row in rows} == {"failed"}
    assert {row.failure["name"] for row in rows} == {"NotAuthorised"}
    assert own_chain.nonce() == promised.first_nonce + 1
