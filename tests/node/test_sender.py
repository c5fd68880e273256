"""The sender: whatever happens to it or to the chain, each act is carried out exactly once."""

from __future__ import annotations

import secrets
import threading
from typing import Any

import pytest

from node.api.schemas.agreements import TermsShape
from node.governance import execute_through_timelock
from node.sender import Sender
from protocol.agreement import Terms
from protocol.signatures import address_of
from protocol.types import to_hex
from tests.own_chain import OwnChain, OwnDatabase, run_until_idle
from tests.stage import hash_of, wait_until


class Killed(BaseException):
    """Stands for kill -9: nothing of the process runs after it."""


STEPS = (
    "_prepare",
    "_broadcast",
    "_wait_for_receipt",
    "_record_receipt",
    "_mark",
)


def killed_at(step: str, moment: str) -> type[Sender]:
    """A sender that dies right before or right after one of its steps."""

    def die(self: Sender, *arguments: Any, **named: Any) -> Any:
        if moment == "after":
            getattr(Sender, step)(self, *arguments, **named)
        raise Killed(step)

    return type("KilledSender", (Sender,), {step: die})


def anchored(chain: OwnChain, leaf: bytes) -> int:
    """How often the chain has anchored a leaf."""
    events = chain.events("ConsentRegistry", "LeavesAnchored")
    return sum(list(event["args"]["leaves"]).count(leaf) for event in events)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_step_neither_loses_nor_doubles_an_act(
    own_chain: OwnChain, own_database: OwnDatabase, step: str, moment: str
) -> None:
    nonce = own_chain.nonce()
    leaf = own_database.promise_anchor()
    with pytest.raises(Killed):
        own_database.sender(killed_at(step, moment)).step()
    later = own_database.promise_anchor()
    run_until_idle(own_database.sender())
    assert own_database.states() == ["mined", "mined"]
    assert (anchored(own_chain, leaf), anchored(own_chain, later)) == (1, 1)
    rows = own_database.sql("SELECT nonce FROM node.transactions ORDER BY nonce")
    assert [row.nonce for row in rows] == list(range(nonce, own_chain.nonce()))


def test_a_kill_inside_the_transaction_leaves_nothing(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    class DiesSigning(Sender):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._account = DyingAccount()  # type: ignore[assignment]  # signs, nothing else

    class DyingAccount:
        address = own_chain.operator_account.address

        def sign_transaction(self, fields: Any) -> Any:
            raise Killed("sign")

    leaf = own_database.promise_anchor()
    with pytest.raises(Killed):
        own_database.sender(DiesSigning).step()
    assert own_database.states() == ["waiting"]
    assert own_database.sql("SELECT count(*) AS n FROM node.transactions")[0].n == 0
    run_until_idle(own_database.sender())
    assert anchored(own_chain, leaf) == 1


def test_the_same_bytes_go_out_again_when_the_chain_comes_back_shorter(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    first = own_database.promise_anchor()
    run_until_idle(own_database.sender())
    snapshot = own_chain.rpc("evm_snapshot")
    leaves = []
    for _ in range(3):
        leaves.append(own_database.promise_anchor())
        run_until_idle(own_database.sender())
    before = own_database.sql("SELECT nonce, hash, raw FROM node.transactions ORDER BY nonce")
    own_chain.rpc("evm_revert", snapshot)
    assert [anchored(own_chain, leaf) for leaf in (first, *leaves)] == [1, 0, 0, 0]
    later = own_database.promise_anchor()
    run_until_idle(own_database.sender())
    assert [anchored(own_chain, leaf) for leaf in (first, *leaves, later)] == [1] * 5
    after = own_database.sql("SELECT nonce, hash, raw FROM node.transactions ORDER BY nonce")
    assert after[: len(before)] == before
    assert set(own_database.states()) == {"mined"}


def test_a_block_that_is_replaced_is_recorded_anew(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    snapshot = own_chain.rpc("evm_snapshot")
    leaf = own_database.promise_anchor()
    run_until_idle(own_database.sender())
    own_chain.rpc("evm_revert", snapshot)
    own_chain.mine(2)
    run_until_idle(own_database.sender())
    [row] = own_database.sql("SELECT block_number, block_hash FROM node.transactions")
    block = own_chain.web3.eth.get_block(row.block_number)
    assert bytes(block["hash"]) == row.block_hash
    assert anchored(own_chain, leaf) == 1


def test_what_is_deep_enough_is_final(own_chain: OwnChain, own_database: OwnDatabase) -> None:
    own_database.promise_anchor()
    sender = own_database.sender(finality_blocks=5)
    run_until_idle(sender)
    own_chain.mine(4)
    run_until_idle(sender)
    assert own_database.states() == ["mined"]
    own_chain.mine(1)
    run_until_idle(sender)
    assert own_database.states() == ["final"]
    assert own_database.sql("SELECT state FROM node.transactions")[0].state == "final"


# -- what the contract refuses ---------------------------------------------------------------------


def test_a_refusal_is_kept_with_its_reason_and_remedy_and_stops_nobody(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    nonce = own_chain.nonce()
    secret, leaf = secrets.token_bytes(32), secrets.token_bytes(32)
    own_database.promise_withdrawal(leaf, secret, signed_by=secrets.token_bytes(32))
    own_database.sender().step()
    kept = own_database.promise_anchor()
    run_until_idle(own_database.sender())
    [refused, sent] = own_database.sql("SELECT state, failure FROM node.outbox ORDER BY outbox_id")
    assert (refused.state, sent.state) == ("failed", "mined")
    assert refused.failure["name"] == "WithdrawalSignatureInvalid"
    assert refused.failure["detail"]
    assert refused.failure["remedy"]
    assert refused.failure["values"]["leaf"] == to_hex(leaf)
    assert anchored(own_chain, kept) == 1
    assert own_chain.nonce() == nonce + 1


def test_one_bad_withdrawal_among_many_spoils_none(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    good = {secrets.token_bytes(32): secrets.token_bytes(32) for _ in range(3)}
    bad_leaf, bad_secret = secrets.token_bytes(32), secrets.token_bytes(32)
    own_database.promise_withdrawal(bad_leaf, bad_secret, signed_by=secrets.token_bytes(32))
    for leaf, secret in good.items():
        own_database.promise_withdrawal(leaf, secret)
    run_until_idle(own_database.sender())
    registry = own_chain.contract("ConsentRegistry").functions
    for leaf, secret in good.items():
        holder = own_chain.web3.to_checksum_address(address_of(secret))
        assert registry.revocations(holder, leaf).call() > 0
    holder = own_chain.web3.to_checksum_address(address_of(bad_secret))
    assert registry.revocations(holder, bad_leaf).call() == 0


def proposal(chain: OwnChain) -> tuple[bytes, dict[str, Any]]:
    terms = Terms(
        parties=tuple(sorted([chain.operator, chain.operator])),
        valid_from=0,
        valid_until=2**40,
        policy_hash=hash_of(1),
        document_hash=hash_of(1),
        rulebook=hash_of(0),
        parent=hash_of(0),
        salt=hash_of(5),
        lines=(),
    )
    payload = {"organisation": to_hex(chain.operator), "terms": TermsShape.of(terms).to_json()}
    return secrets.token_bytes(32), payload


def test_terms_that_break_a_rule_are_refused_with_the_rules_name(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    subject, payload = proposal(own_chain)
    own_database.promise("propose", subject, payload, own_chain.operator)
    run_until_idle(own_database.sender())
    [row] = own_database.sql("SELECT state, failure FROM node.outbox")
    assert row.state == "failed"
    assert row.failure["name"] == "PartiesNotAscending"


def mined_in_vain(own_chain: OwnChain, own_database: OwnDatabase) -> bytes:
    """An anchor whose block comes when the contract has already stopped; gives its leaf."""
    leaf = own_database.promise_anchor()

    class Overtaken(Sender):
        def _broadcast(self, raw: bytes) -> None:
            stop_everything(own_chain)
            super()._broadcast(raw)

    own_database.sender(Overtaken).step()
    return leaf


def stop_everything(chain: OwnChain) -> None:
    """Suspends the operator at once, as governance could between a check and its block."""
    registry = chain.contract("ParticipantRegistry")
    operator = chain.web3.to_checksum_address(chain.operator)
    execute_through_timelock(
        chain.governance, chain.deployment, registry.functions.suspend(operator)
    )


def test_an_act_mined_in_vain_is_failed_and_says_so(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    leaf = mined_in_vain(own_chain, own_database)
    [row] = own_database.sql("SELECT state, failure FROM node.outbox")
    assert row.state == "failed"
    assert row.failure["name"] == "MinedInVain"
    assert row.failure["remedy"]
    assert anchored(own_chain, leaf) == 0


def test_an_act_mined_in_vain_leaves_no_gap_when_its_block_is_taken_back(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    snapshot = own_chain.rpc("evm_snapshot")
    leaf = mined_in_vain(own_chain, own_database)
    secret, ended = secrets.token_bytes(32), secrets.token_bytes(32)
    own_database.promise_withdrawal(ended, secret)
    run_until_idle(own_database.sender())
    assert own_database.states() == ["failed", "mined"]
    own_chain.rpc("evm_revert", snapshot)
    run_until_idle(own_database.sender())
    assert own_database.states() == ["mined", "mined"]
    assert anchored(own_chain, leaf) == 1
    rows = own_database.sql("SELECT failure FROM node.outbox ORDER BY outbox_id")
    assert [row.failure for row in rows] == [None, None]


# -- one sender a key ------------------------------------------------------------------------------


class CountingStop(threading.Event):
    """A stop signal that counts how often its owner has paused."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses += 1
        return super().wait(min(timeout or 0.05, 0.05))


class CountingSender(Sender):
    steps = 0

    def step(self) -> bool:
        self.steps += 1
        return super().step()


def test_a_second_sender_waits_for_the_first(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    senders = [own_database.sender(CountingSender) for _ in range(2)]
    stops = [CountingStop(), CountingStop()]
    threads = [
        threading.Thread(target=sender.run, args=(stop,))
        for sender, stop in zip(senders, stops, strict=True)
    ]
    threads[0].start()
    wait_until(lambda: senders[0].steps > 0, "the first sender")
    threads[1].start()
    try:
        wait_until(lambda: stops[1].pauses > 3, "the second sender's waiting")
        leaf = own_database.promise_anchor()
        wait_until(lambda: own_database.states() == ["mined"], "the act")
        assert senders[1].steps == 0
        stops[0].set()
        threads[0].join(10)
        wait_until(lambda: senders[1].steps > 0, "the second sender's turn")
        later = own_database.promise_anchor()
        wait_until(lambda: own_database.states() == ["mined", "mined"], "the second act")
        assert (anchored(own_chain, leaf), anchored(own_chain, later)) == (1, 1)
    finally:
        for stop, thread in zip(stops, threads, strict=True):
            stop.set()
            thread.join(10)
