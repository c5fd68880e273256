"""A contract's refusal ends an act only if no other node and no other block would take it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from node.sending.chain import Reverted, Sighting
from node.sending.sender import Sender
from protocol.types import to_hex
from tests.own_chain import OwnDatabase
from tests.sending.fault_chain import FaultChain, once
from tests.sending.model_chain import ModelChain
from tests.sending.simulation import model_of
from tests.sending.turning_clock import TurningClock

FINALITY_BLOCKS = 4
HOUR_SECONDS = 3_600.0


@dataclass
class Desk:
    """A sender on a chain in memory that answers through `chain`."""

    database: OwnDatabase
    model: ModelChain
    chain: FaultChain
    sender: Sender
    clock: TurningClock

    def promise(self, marker: bytes) -> None:
        """To say something about the operator; such acts keep their order."""
        operator = self.database.chain.operator
        payload = {
            "organisation": to_hex(operator),
            "serviceAddress": "https://node.example",
            "didDocumentHash": to_hex(marker),
        }
        self.database.promise("describe", marker, payload, operator, order_key=operator)

    def live(self, blocks: int) -> None:
        """So many blocks come, a second after each other, and the sender works before each."""
        for _ in range(blocks):
            self.sender.step()
            self.model.mine()
            self.clock.turn(1.0)

    def acts(self) -> list[Any]:
        return list(self.database.sql("SELECT state, failure FROM node.outbox ORDER BY outbox_id"))


@pytest.fixture
def desk(own_database: OwnDatabase, clock: TurningClock) -> Desk:
    model = model_of(own_database.chain.deployment)
    chain = FaultChain(model)
    sender = own_database.sender(chain, clock=clock, refusal_finality_blocks=FINALITY_BLOCKS)
    return Desk(own_database, model, chain, sender, clock)


@pytest.fixture
def marker() -> bytes:
    return secrets.token_bytes(32)


def refuse(*_arguments: Any) -> Any:
    raise Reverted("execution reverted", "0x")


def test_a_node_that_lags_fails_no_act(desk: Desk, marker: bytes) -> None:
    """It estimates the second act on a state without the first one."""
    first = secrets.token_bytes(32)
    desk.model.needs[marker] = first
    desk.promise(first)
    desk.live(1)
    desk.sender.step()

    def behind(sender: bytes, request: Any, price_wei: int) -> int:
        return desk.model.estimate(sender, request, price_wei, behind=1)

    desk.chain.before["estimate"] = behind
    desk.promise(marker)
    desk.sender.step()
    waits = desk.acts()[1]
    assert (waits.state, waits.failure["name"]) == ("waiting", "ContractRefused")
    assert "refusedSinceBlock" not in waits.failure["values"]
    desk.chain.before.clear()
    desk.live(3)
    assert [act.state for act in desk.acts()] == ["mined", "mined"]


def test_what_only_a_passing_state_refuses_is_sent_later(desk: Desk, marker: bytes) -> None:
    """As an act of an organisation that is suspended and reinstated."""
    desk.model.needs[marker] = b"\x01" * 32
    desk.promise(marker)
    desk.live(FINALITY_BLOCKS)
    [waits] = desk.acts()
    assert waits.state == "waiting"
    assert waits.failure["values"]["refusedSinceBlock"] < len(desk.model.blocks)
    del desk.model.needs[marker]
    desk.live(3)
    [sent] = desk.acts()
    assert (sent.state, sent.failure) == ("mined", None)


def test_what_is_refused_for_as_long_as_finality_has_failed(desk: Desk, marker: bytes) -> None:
    desk.model.needs[marker] = b"\x01" * 32
    desk.promise(marker)
    for _ in range(FINALITY_BLOCKS):
        desk.live(1)
        assert [act.state for act in desk.acts()] == ["waiting"]
    desk.live(3)
    [failed] = desk.acts()
    assert (failed.state, failed.failure["name"]) == ("failed", "ContractRefused")


def test_time_alone_fails_nothing_on_a_chain_that_stands_still(desk: Desk, marker: bytes) -> None:
    desk.model.needs[marker] = b"\x01" * 32
    desk.promise(marker)
    for _ in range(10):
        desk.sender.step()
        desk.clock.turn(HOUR_SECONDS)
    assert [act.state for act in desk.acts()] == ["waiting"]


def named(head: int) -> Callable[..., Sighting]:
    """A hook by which a node answers that is as far as this block."""

    def hook(answer: Sighting, *_arguments: Any) -> Sighting:
        return Sighting(type(answer.head)(head, b"\x05" * 32), answer.nonce, answer.mined)

    return hook


def test_refusals_of_a_node_that_names_an_old_head_count_for_nothing(
    desk: Desk, marker: bytes
) -> None:
    desk.live(2 * FINALITY_BLOCKS)
    desk.model.needs[marker] = b"\x01" * 32
    desk.chain.after["look_up"] = named(1)
    desk.promise(marker)
    desk.sender.step()
    [waits] = desk.acts()
    assert waits.state == "waiting"
    assert "refusedSinceBlock" not in waits.failure["values"]


def test_an_estimate_that_only_one_node_refuses_is_asked_for_again(
    desk: Desk, marker: bytes
) -> None:
    desk.chain.before["estimate"] = once(refuse)
    desk.promise(marker)
    desk.sender.step()
    assert [act.state for act in desk.acts()] == ["waiting"]
    desk.live(3)
    assert [act.state for act in desk.acts()] == ["mined"]
