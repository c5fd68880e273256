"""Blocks that are taken back, chains that stand still or are others, and keys that change hands."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from indexer.rpc import ChainUnreachable
from node.sending.fence import Fenced
from node.sending.sender import AnotherChain, Sender
from node.sending.settling import LOST_AFTER_SECONDS
from node.signers import KeySigner, LegacyTransaction, SignedTransaction, SignerUnreachable
from tests.own_chain import OwnChain, OwnDatabase, run_until_idle
from tests.sending.exactly_once import Promised, nonces_of
from tests.sending.fault_chain import (
    FaultChain,
    hooked,
    silent,
)
from tests.sending.model_chain import ModelChain
from tests.sending.simulation import model_of
from tests.sending.turning_clock import TurningClock, settle


def test_final_blocks_that_a_chain_lost_are_made_up_for(
    own_chain: OwnChain, promised: Promised, clock: TurningClock
) -> None:
    """The embedded chain saves its state every second, and a second may hold many blocks."""
    sender = promised.database.sender(clock=clock, finality_blocks=1)
    with own_chain.taken_back():
        for _ in range(3):
            promised.anchor()
            settle(sender, clock)
        own_chain.mine(3)
        settle(sender, clock)
        assert set(promised.database.states()) == {"final"}
    assert own_chain.nonce() == promised.first_nonce
    promised.withdraw()
    settle(sender, clock)
    promised.require_done()


def test_what_becomes_final_meanwhile_does_not_hide_that_final_blocks_are_lost(
    own_database: OwnDatabase, clock: TurningClock
) -> None:
    """Somebody else has used the nonce since, so nothing waits for it; and blocks come fast."""
    model = model_of(own_database.chain.deployment)
    signer = KeySigner(own_database.chain.operator_account, own_database.chain.deployment.chain_id)
    sender = own_database.sender(model, signer, clock, finality_blocks=2)
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    own_database.promise("anchor", first, {}, own_database.chain.operator)
    live(sender, model, 4)
    assert own_database.states() == ["final"]
    model.take_back(len(model.blocks), keeps_pool=False)
    model.take(signer.sign(LegacyTransaction(0, 0, 21_000, b"\x07" * 20, 0, b"")).raw)
    own_database.promise("anchor", second, {}, own_database.chain.operator)
    live(sender, model, 6)
    clock.turn(LOST_AFTER_SECONDS)
    live(sender, model, 6)
    carried = [each.data for each in model.transactions()]
    assert [sum(leaf in data for data in carried) for leaf in (first, second)] == [1, 1]
    assert own_database.states() == ["final", "final"]


def live(sender: Sender, model: ModelChain, blocks: int) -> None:
    """So many blocks come, in no time."""
    for _ in range(blocks):
        sender.step()
        model.mine()
        sender.step()


def test_a_reorganisation_that_mines_it_elsewhere_is_followed(
    own_chain: OwnChain, promised: Promised, clock: TurningClock
) -> None:
    sender = promised.database.sender(clock=clock)
    with own_chain.taken_back():
        promised.anchor()
        promised.withdraw()
        settle(sender, clock)
        raws = promised.database.sql("SELECT raw FROM node.attempts ORDER BY attempt_id")
    own_chain.mine(2)
    for row in raws:
        own_chain.web3.eth.send_raw_transaction(row.raw)
    settle(sender, clock)
    promised.require_done()
    for row in promised.database.sql("SELECT block_number, block_hash FROM node.transactions"):
        block = own_chain.web3.eth.get_block(row.block_number)
        assert bytes(block["hash"]) == row.block_hash


def test_a_chain_that_halts_for_minutes_is_waited_for(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    sender = promised.database.sender(chain, clock=clock)
    with hooked(
        chain.before, **dict.fromkeys(("look_up", "estimate", "broadcast", "head"), silent)
    ):
        promised.anchor()
        for _ in range(300):
            with pytest.raises(ChainUnreachable):
                sender.step()
            clock.turn(1.0)
        assert promised.database.states() == ["waiting"]
    settle(sender, clock)
    promised.require_done()


@pytest.mark.parametrize("what", ["chain id", "genesis"])
def test_another_chain_gets_nothing(
    promised: Promised, chain: FaultChain, clock: TurningClock, what: str
) -> None:
    def lie(identity: tuple[int, bytes], *_arguments: Any) -> tuple[int, bytes]:
        return (1, identity[1]) if what == "chain id" else (identity[0], bytes(32))

    chain.after["identity"] = lie
    promised.anchor()
    sender = promised.database.sender(chain, clock=clock)
    with pytest.raises(AnotherChain, match="Nothing is sent"):
        sender.step()
    assert "broadcast" not in chain.calls
    assert promised.database.states() == ["waiting"]


def test_one_that_was_paused_while_another_took_over_writes_no_more(
    promised: Promised, chain: FaultChain, clock: TurningClock
) -> None:
    """It stops between its estimate and its journal; the other sends meanwhile."""
    promised.anchor()
    others: list[Sender] = []

    def take_over(gas: int, *_arguments: Any) -> int:
        other = promised.database.sender(clock=TurningClock())
        run_until_idle(other)
        others.append(other)
        return gas

    chain.after["estimate"] = take_over
    paused = promised.database.sender(chain, clock=clock)
    with pytest.raises(Fenced):
        paused.step()
    promised.withdraw()
    run_until_idle(others[0])
    promised.require_done()
    assert len(nonces_of(promised.database)) == 2


class SignsLater:
    """A signer that answers the second time."""

    def __init__(self, signer: KeySigner) -> None:
        self.address = signer.address
        self._signer = signer
        self._asked = 0

    def sign(self, transaction: LegacyTransaction) -> SignedTransaction:
        self._asked += 1
        if self._asked == 1:
            raise SignerUnreachable("not yet, as the test wants it")
        return self._signer.sign(transaction)


def test_a_signer_that_does_not_answer_leaves_no_gap(
    own_chain: OwnChain, promised: Promised, clock: TurningClock
) -> None:
    signer = SignsLater(KeySigner(own_chain.operator_account, own_chain.deployment.chain_id))
    promised.anchor()
    settle(promised.database.sender(signer=signer, clock=clock), clock)
    promised.require_done()
    assert len(nonces_of(promised.database)) == 1
