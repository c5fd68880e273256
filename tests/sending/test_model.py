"""The model chain and anvil, given the same bytes and blocks, say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.sending.answers import Answer
from node.signers import KeySigner, LegacyTransaction
from tests.own_chain import OwnChain
from tests.sending.model_chain import ModelChain

TO = b"\x07" * 20
PRICES = st.sampled_from([100, 105, 110, 113, 150])
LOOK = {Answer.TAKEN, Answer.UNDERPRICED}
ACTS = st.one_of(
    st.tuples(st.just("send"), st.integers(-1, 3), PRICES),
    st.tuples(st.just("mine")),
    st.tuples(st.just("empty the pool")),
)


@pytest.fixture
def by_hand(own_chain: OwnChain) -> Iterator[OwnChain]:
    """Blocks come when the test says so, and the key can pay."""
    own_chain.rpc("anvil_setBalance", own_chain.operator_account.address, hex(10**20))
    own_chain.rpc("evm_setAutomine", False)
    yield own_chain
    own_chain.rpc("anvil_dropAllTransactions")
    own_chain.rpc("evm_setAutomine", True)


def model_of(chain: OwnChain) -> ModelChain:
    genesis = bytes.fromhex(chain.deployment.genesis_hash[2:])
    return ModelChain(genesis, chain.deployment.chain_id, pool_ahead=1_000, raise_percent=0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=12))
def test_the_model_answers_as_anvil_does(by_hand: OwnChain, acts: list[Any]) -> None:
    by_hand.rpc("anvil_dropAllTransactions")  # of the example before
    real, model = by_hand.reader(), model_of(by_hand)
    signer = KeySigner(by_hand.operator_account, by_hand.deployment.chain_id)
    first, hashes = by_hand.nonce(), []
    offered: list[bytes] = []
    shift = {"nonce": first - model.nonce}
    for act in acts:
        match act:
            case ("send", ahead, price):
                nonce = max(0, model.nonce + ahead)
                signed = [
                    signer.sign(LegacyTransaction(each, price, 21_000, TO, 0, b""))
                    for each in (nonce, nonce + shift["nonce"])
                ]
                hashes.append([each.hash for each in signed])
                expected = model.take(signed[0].raw)
                found, said = real.broadcast(signed[1].raw, everywhere=False)
                if (ahead, nonce) == (-1, 0):  # there is no nonce before the first
                    continue
                # Of bytes that others have replaced anvil says the one or the other.
                is_again = signed[1].raw in offered and {found, expected} <= LOOK
                assert found is expected or is_again, said
                offered.append(signed[1].raw)
            case ("mine",):
                model.mine()
                by_hand.mine(1)
            case _:
                model.pool.clear()
                by_hand.rpc("anvil_dropAllTransactions")
    seen = real.look_up(signer.address, [real_hash for _, real_hash in hashes])
    told = model.look_up(signer.address, [model_hash for model_hash, _ in hashes])
    assert seen.nonce - first == told.nonce
    assert [real_hash in seen.mined for _, real_hash in hashes] == [
        model_hash in told.mined for model_hash, _ in hashes
    ]
    assert all(each.succeeded for each in seen.mined.values())
