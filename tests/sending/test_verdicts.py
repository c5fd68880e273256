"""A contract's refusal ends an act only if no other node and no other block would take it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from node.db import SENDER_ROLE, role_engine
from node.process_metrics import SENDER, Teller, watch_held_back
from node.sending.chain import Head, Reverted, Sighting
from node.sending.sender import Sender
from protocol.types import to_hex
from tests.own_chain import OwnDatabase
from tests.sending.fault_chain import FaultChain, once
from tests.sending.model_chain import ModelChain
from tests.sending.simulation import model_of
from tests.sending.turning_clock import TurningClock
from tests.watch.test_alerts import alerts

FINALITY_BLOCKS = 4
HOUR_SECONDS = 3_600.0
HELD_BACK_SECONDS = "ptx_outbox_held_back_oldest_seconds"


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
        return replace(answer, head=Head(head, b"\x05" * 32))

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


# -- what an alarm sees of it ----------------------------------------------------------------------


def told(database: OwnDatabase) -> dict[str, tuple[float, float]]:
    """Reason → how many acts and the age of the oldest, as the sender's process tells it."""
    engine = role_engine(database.url, SENDER_ROLE)
    Teller(engine, "sender", SENDER, watch_held_back).turn()
    engine.dispose()
    [row] = database.sql("SELECT exposition FROM node.process_metrics WHERE process = 'sender'")
    values = {
        (sample.name, sample.labels["reason"]): sample.value
        for family in text_string_to_metric_families(row.exposition)
        for sample in family.samples
        if sample.name.startswith("ptx_outbox_held_back")
    }
    return {
        reason: (values["ptx_outbox_held_back", reason], values[HELD_BACK_SECONDS, reason])
        for _, reason in values
    }


def rings(database: OwnDatabase) -> list[str]:
    """For which reasons the alarm's own condition is met."""
    metric, _, seconds = alerts()["ActsHeldBack"].partition(" > ")
    assert metric == HELD_BACK_SECONDS
    return [reason for reason, (_, oldest) in told(database).items() if oldest > float(seconds)]


def test_what_is_refused_again_and_again_is_told_with_its_reason(desk: Desk, marker: bytes) -> None:
    """Also where only one node refuses, and no block ever ends it."""
    desk.chain.before["estimate"] = refuse
    desk.promise(marker)
    desk.live(3 * FINALITY_BLOCKS)
    assert [act.state for act in desk.acts()] == ["waiting"]
    [(reason, (count, oldest))] = told(desk.database).items()
    assert (reason, count) == ("ContractRefused", 1)
    assert 0 <= oldest < HOUR_SECONDS
    assert rings(desk.database) == []
    desk.database.sql("UPDATE node.outbox SET created_at = created_at - interval '1 hour'")
    assert rings(desk.database) == ["ContractRefused"]
    desk.chain.before.clear()
    desk.clock.turn(HOUR_SECONDS)
    desk.live(3)
    assert [act.state for act in desk.acts()] == ["mined"]
    assert told(desk.database) == {}


def test_a_rule_of_the_contracts_is_told_by_its_own_name(
    own_database: OwnDatabase, secret: bytes
) -> None:
    """On the real chain, with a signature that the registry refuses."""
    leaf = secrets.token_bytes(32)
    own_database.promise_withdrawal(leaf, secret, signed_by=secrets.token_bytes(32))
    own_database.sender(refusal_finality_blocks=FINALITY_BLOCKS).step()
    assert own_database.states() == ["waiting"]
    assert {reason: count for reason, (count, _) in told(own_database).items()} == {
        "WithdrawalSignatureInvalid": 1
    }
    own_database.sql("UPDATE node.outbox SET created_at = created_at - interval '1 hour'")
    assert rings(own_database) == ["WithdrawalSignatureInvalid"]
