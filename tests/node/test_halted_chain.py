"""A chain that stands still for minutes: the node goes on promising up to a bound, says then when
to ask again, and brings everything to the chain once it is back."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest
from fastapi.testclient import TestClient
from web3.types import RPCEndpoint

from node import outbox
from node.api.app import create_app
from protocol.entries import leaf_of
from protocol.record import Record, to_json
from tests.refusals import assert_problem
from tests.stage import World, wait_until

WAITING_MAX = 12
UNDER_WAY_MAX = 3
"""Transactions of grants that the sender may have sent before it must wait for a block."""
MINUTES_AGO = "UPDATE indexing.heartbeat SET head_read_at = now() - interval '5 minutes'"

Halted = Callable[[World], AbstractContextManager[None]]


@contextmanager
def makes_no_blocks(world: World) -> Iterator[None]:
    """It answers, as one whose validators have lost each other does."""
    if os.environ.get("PTX_TEST_CHAIN") == "geth":
        pytest.skip("geth's development chain makes a block for each transaction")
    ask = world.web3.provider.make_request
    ask(RPCEndpoint("evm_setAutomine"), [False])
    try:
        yield
    finally:
        ask(RPCEndpoint("evm_setAutomine"), [True])
        ask(RPCEndpoint("evm_mine"), [])


@contextmanager
def answers_nothing(world: World) -> Iterator[None]:
    with world.node.held("chain"):
        yield


@pytest.fixture
def api(at_rest: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The node's interface as its issuer sees it, with a small bound; the other processes are the
    node's own."""
    monkeypatch.setattr(outbox, "WAITING_MAX", WAITING_MAX)
    headers = {"Authorization": at_rest.provider.client._http.headers["authorization"]}
    with TestClient(create_app(at_rest.node.settings), headers=headers) as client:
        yield client


def grant(world: World, api: TestClient) -> tuple[httpx.Response, Record]:
    record = world.make_record(secrets.token_bytes(32))
    return api.post("/v1/consents", json={"records": [to_json(record)]}), record


def grant_until_full(world: World, api: TestClient) -> list[Record]:
    """What was accepted until the node would promise no more."""
    accepted: list[Record] = []
    while len(accepted) <= WAITING_MAX * (1 + UNDER_WAY_MAX):
        answer, record = grant(world, api)
        if answer.status_code != 202:
            assert_problem(answer, 503, "outbox-full", None)
            assert answer.headers["retry-after"] == "30"
            break
        accepted.append(record)
    assert WAITING_MAX <= len(accepted) <= WAITING_MAX * (1 + UNDER_WAY_MAX)
    return accepted


def refuse_as_stale(world: World, api: TestClient) -> bool:
    """Whether no more is granted after minutes without a word of the chain."""
    world.node.sql(MINUTES_AGO)
    answer, _ = grant(world, api)
    return answer.status_code == 503 and answer.json()["type"] == "/problems/index-stale"


def anchored(world: World, leaves: set[bytes]) -> Counter[bytes]:
    """How often the chain has anchored each."""
    events = world.contract("ConsentRegistry").events.LeavesAnchored().get_logs(from_block=0)
    found = (leaf for event in events for leaf in event["args"]["leaves"])
    return Counter(leaf for leaf in found if leaf in leaves)


@pytest.mark.parametrize("halted", [makes_no_blocks, answers_nothing])
def test_a_chain_that_halts_for_minutes_costs_nobody_a_promise(
    at_rest: World, api: TestClient, secret: bytes, halted: Halted
) -> None:
    world = at_rest
    ended = world.grant_active(secret)
    with halted(world):
        accepted = grant_until_full(world, api)
        if halted is answers_nothing:
            wait_until(lambda: refuse_as_stale(world, api), "an index that is too old")
        withdrawn = api.post("/v1/withdrawals", json=world.withdrawal_of(ended, secret))
        assert (withdrawn.status_code, withdrawn.json()["state"]) == (202, "withdrawal-pending")
    wait_until(lambda: api.get("/readyz").status_code == 200, "the head of the chain")
    world.wait_for_state(ended, "withdrawn")
    for record in accepted:
        world.wait_for_state(record, "active")
    leaves = {bytes(leaf_of(record.entry)) for record in accepted}
    assert anchored(world, leaves) == dict.fromkeys(leaves, 1)
    answer, record = grant(world, api)
    assert answer.status_code == 202, answer.text
    world.wait_for_state(record, "active")
