"""The sender: whatever happens to it or to the chain, each act is carried out exactly once."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from node.api.schemas.agreements import TermsShape
from node.governance import execute_through_timelock
from protocol.agreement import Terms
from protocol.signatures import address_of
from protocol.types import to_hex
from tests.own_chain import OwnChain, OwnDatabase, run_until_idle
from tests.sending.fault_chain import FaultChain, once
from tests.stage import hash_of, wait_until

BYTES = (
    "SELECT nonce, a.hash, raw FROM node.transactions JOIN node.attempts AS a"
    " USING (transaction_id) ORDER BY nonce, attempt_id"
)


def anchored(chain: OwnChain, leaf: bytes) -> int:
    """How often the chain has anchored a leaf."""
    events = chain.events("ConsentRegistry", "LeavesAnchored")
    return sum(list(event["args"]["leaves"]).count(leaf) for event in events)


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
    before = own_database.sql(BYTES)
    own_chain.rpc("evm_revert", snapshot)
    assert [anchored(own_chain, leaf) for leaf in (first, *leaves)] == [1, 0, 0, 0]
    later = own_database.promise_anchor()
    run_until_idle(own_database.sender())
    assert [anchored(own_chain, leaf) for leaf in (first, *leaves, later)] == [1] * 5
    after = own_database.sql(BYTES)
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
    run_until_idle(own_database.sender())
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
    [refused, *done] = own_database.sql("SELECT state, failure FROM node.outbox ORDER BY outbox_id")
    assert [row.state for row in done] == ["mined"] * 3
    assert refused.state == "failed"
    assert refused.failure["name"] == "WithdrawalSignatureInvalid"


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

    def overtaken(*_arguments: Any) -> Any:
        stop_everything(own_chain)
        return FaultChain.PASSED

    chain = FaultChain(own_chain.reader(), before={"broadcast": once(overtaken)})
    run_until_idle(own_database.sender(chain))
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
    assert row.failure["name"] == "OrganisationSuspended"
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


def test_a_second_sender_waits_for_the_first(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    chains = [FaultChain(own_chain.reader()) for _ in range(2)]
    senders = [own_database.sender(chain) for chain in chains]
    stops = [CountingStop(), CountingStop()]
    threads = [
        threading.Thread(target=sender.run, args=(stop,))
        for sender, stop in zip(senders, stops, strict=True)
    ]
    threads[0].start()
    wait_until(lambda: chains[0].calls, "the first sender")
    threads[1].start()
    try:
        wait_until(lambda: stops[1].pauses > 3, "the second sender's waiting")
        leaf = own_database.promise_anchor()
        wait_until(lambda: own_database.states() == ["mined"], "the act")
        assert not chains[1].calls
        stops[0].set()
        threads[0].join(10)
        wait_until(lambda: chains[1].calls, "the second sender's turn")
        later = own_database.promise_anchor()
        wait_until(lambda: own_database.states() == ["mined", "mined"], "the second act")
        assert (anchored(own_chain, leaf), anchored(own_chain, later)) == (1, 1)
    finally:
        for stop, thread in zip(stops, threads, strict=True):
            stop.set()
            thread.join(10)
