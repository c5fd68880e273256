"""More transactions in blocks that may be taken back than are read at once."""

from __future__ import annotations

from collections import Counter

import pytest

from node.sending import settling, signed
from node.sending.sender import Sender
from tests.own_chain import OwnDatabase
from tests.sending.model_chain import ModelChain
from tests.sending.simulation import model_of
from tests.sending.turning_clock import TurningClock

READ_MAX = 3
FINALITY_BLOCKS = 8
WINDOW = 2
ACTS = 20


@pytest.fixture
def model(own_database: OwnDatabase) -> ModelChain:
    return model_of(own_database.chain.deployment)


@pytest.fixture
def sender(
    own_database: OwnDatabase,
    model: ModelChain,
    clock: TurningClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Sender:
    for module in (signed, settling):
        monkeypatch.setattr(module, "READ_MAX", READ_MAX)
    return own_database.sender(
        model, clock=clock, window=WINDOW, finality_blocks=FINALITY_BLOCKS, batch_seconds=0.0
    )


def live(sender: Sender, model: ModelChain, clock: TurningClock, blocks: int) -> None:
    for _ in range(blocks):
        sender.step()
        clock.turn(2.0)
        model.mine()


def promise_one_a_block(
    database: OwnDatabase, sender: Sender, model: ModelChain, clock: TurningClock
) -> list[bytes]:
    leaves = []
    for _ in range(ACTS):
        leaves.append(database.promise_anchor())
        live(sender, model, clock, 1)
        assert database.states().count("sent") <= WINDOW
    return leaves


def require_final_once(database: OwnDatabase, model: ModelChain, leaves: list[bytes]) -> None:
    assert Counter(database.states()) == {"final": len(leaves)}
    carried = [each.data for each in model.transactions()]
    assert [sum(leaf in data for data in carried) for leaf in leaves] == [1] * len(leaves)


def test_all_become_final_however_many_may_be_taken_back(
    own_database: OwnDatabase, sender: Sender, model: ModelChain, clock: TurningClock
) -> None:
    leaves = promise_one_a_block(own_database, sender, model, clock)
    assert own_database.states().count("mined") > READ_MAX
    live(sender, model, clock, FINALITY_BLOCKS + 2)
    require_final_once(own_database, model, leaves)


def test_many_that_become_final_at_once_do(
    own_database: OwnDatabase, sender: Sender, model: ModelChain, clock: TurningClock
) -> None:
    """A sender that was away finds all of them in blocks that stay."""
    leaves = promise_one_a_block(own_database, sender, model, clock)
    for _ in range(FINALITY_BLOCKS + 1):
        model.mine()
    live(sender, model, clock, 2)
    require_final_once(own_database, model, leaves)


@pytest.mark.parametrize("keeps_pool", [True, False])
def test_all_that_a_reorganisation_moved_are_followed(
    own_database: OwnDatabase,
    sender: Sender,
    model: ModelChain,
    clock: TurningClock,
    keeps_pool: bool,
) -> None:
    """Into other blocks, or out of all of them; the journal names the blocks that there are."""
    leaves = promise_one_a_block(own_database, sender, model, clock)
    sender.step()
    model.take_back(FINALITY_BLOCKS - 1, keeps_pool=keeps_pool)
    live(sender, model, clock, 2 * FINALITY_BLOCKS)
    clock.turn(10.0)
    live(sender, model, clock, 2 * FINALITY_BLOCKS)
    require_final_once(own_database, model, leaves)
    for row in own_database.sql("SELECT block_number, block_hash FROM node.transactions"):
        assert model.blocks[row.block_number].hash == row.block_hash
