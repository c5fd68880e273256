"""A sender that dies at any step, COMMIT included: nothing is lost and nothing is doubled."""

from __future__ import annotations

import pytest

from node.db import SENDER_ROLE, role_engine
from node.sending.sender import Progress, Sender
from node.signers import KeySigner
from tests.own_chain import (
    SENDER_SETTINGS,
    OwnChain,
    OwnDatabase,
    open_own_database,
    run_until_idle,
)
from tests.sending.exactly_once import Promised
from tests.sending.fault_chain import FaultChain, Killed
from tests.sending.steps import Steps
from tests.sending.turning_clock import TurningClock

PART = 5
"""The default suite takes every fifth step, `make test-deep` all of them."""


def promise(database: OwnDatabase) -> Promised:
    promised = Promised.on(database)
    promised.withdraw(promised.anchor())
    promised.withdraw()
    promised.anchor()
    return promised


def run_with(database: OwnDatabase, steps: Steps) -> None:
    """A whole run of a sender whose every step is watched."""
    chain = FaultChain(database.chain.reader())
    steps.watch_chain(chain)
    engine = role_engine(database.url, SENDER_ROLE)
    steps.watch_database(engine)
    deployment = database.chain.deployment
    signer = KeySigner(database.chain.operator_account, deployment.chain_id)
    sender = Sender(engine, chain, signer, deployment, SENDER_SETTINGS, TurningClock())
    try:
        sender.take_over()
        while sender.step() is not Progress.IDLE:
            pass
    finally:
        engine.dispose()


def die_everywhere(own_chain: OwnChain, first: int, every: int) -> int:
    """Dies at each `every`-th step from `first`, before and after it; how many steps there are."""
    with own_chain.taken_back():
        counted = Steps()
        database = open_own_database(own_chain)
        promised = promise(database)
        run_with(database, counted)
        promised.require_done()
        database.owner.dispose()
    assert counted.names.count("COMMIT") > 5
    assert counted.names.count("broadcast") == 3
    for number in range(first, len(counted.names), every):
        for moment in ("before", "after"):
            with own_chain.taken_back():
                database = open_own_database(own_chain)
                promised = promise(database)
                with pytest.raises(Killed):
                    run_with(database, Steps(number, moment))
                promised.anchor()
                run_until_idle(database.sender())
                promised.require_done()
                database.owner.dispose()
    return len(counted.names)


def test_a_death_at_some_steps_neither_loses_nor_doubles_an_act(own_chain: OwnChain) -> None:
    die_everywhere(own_chain, 0, PART)


@pytest.mark.deep
@pytest.mark.parametrize("first", range(1, PART))
def test_a_death_at_any_step_neither_loses_nor_doubles_an_act(
    own_chain: OwnChain, first: int
) -> None:
    die_everywhere(own_chain, first, PART)
