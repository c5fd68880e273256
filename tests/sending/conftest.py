"""What tests of the sender share: a chain seen through faults, a clock that they turn."""

from __future__ import annotations

import pytest

from tests.own_chain import OwnChain, OwnDatabase
from tests.sending.exactly_once import Promised
from tests.sending.fault_chain import FaultChain
from tests.sending.turning_clock import TurningClock


@pytest.fixture
def chain(own_chain: OwnChain) -> FaultChain:
    return FaultChain(own_chain.reader())


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
def promised(own_database: OwnDatabase) -> Promised:
    return Promised.on(own_database)
