"""However many grants wait, a withdrawal goes with the next block, unless its own grant waits."""

from __future__ import annotations

import secrets
import time

import pytest

from node.sending.queue import WAITING_READ_MAX, Queue
from node.sending.sender import Sender
from tests.own_chain import OwnDatabase
from tests.sending.model_chain import ModelChain
from tests.sending.simulation import model_of
from tests.sending.test_query_plans import plan_of
from tests.sending.turning_clock import TurningClock

BACKLOG = 30_000
PERIOD_SECONDS = 2.0
LOOKS = 20
"""At the chain, from block to block."""


def promise_grants(database: OwnDatabase, count: int) -> None:
    database.sql(
        "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload)"
        " SELECT :operator, 'anchor', leaf, leaf, '{}'"
        " FROM (SELECT sha256(n::text::bytea) AS leaf FROM generate_series(1, :count) AS n) AS new",
        operator=database.chain.operator,
        count=count,
    )


@pytest.fixture
def model(own_database: OwnDatabase) -> ModelChain:
    return model_of(own_database.chain.deployment)


def mine_next(sender: Sender, model: ModelChain, clock: TurningClock) -> None:
    """The sender works for a block's time; then the block comes and is looked at."""
    for _ in range(LOOKS):
        sender.step()
        clock.turn(PERIOD_SECONDS / LOOKS)
    model.mine()
    sender.step()


def test_a_withdrawal_is_in_the_next_block_however_many_grants_wait(
    own_database: OwnDatabase, model: ModelChain, clock: TurningClock
) -> None:
    sender = own_database.sender(model, clock=clock)
    for _ in range(3):
        mine_next(sender, model, clock)
    promise_grants(own_database, BACKLOG)
    sender.step()
    assert len(model.pool) == 3, "grants have taken all places but the withdrawals'"
    own_database.promise_withdrawal(secrets.token_bytes(32), secrets.token_bytes(32))
    mine_next(sender, model, clock)
    [row] = own_database.sql("SELECT state FROM node.outbox WHERE kind = 'withdraw'")
    assert row.state == "mined"


def test_a_withdrawal_does_not_overtake_its_own_grant_at_the_end_of_the_queue(
    own_database: OwnDatabase, model: ModelChain, clock: TurningClock
) -> None:
    promise_grants(own_database, 2 * WAITING_READ_MAX)
    leaf = own_database.promise_anchor()
    own_database.promise_withdrawal(leaf, secrets.token_bytes(32))
    sender = own_database.sender(model, clock=clock)
    for _ in range(6):
        mine_next(sender, model, clock)
    rows = own_database.sql(
        "SELECT o.kind, t.block_number FROM node.outbox AS o"
        " JOIN node.transactions AS t USING (transaction_id) WHERE o.subject = :leaf",
        leaf=leaf,
    )
    block = {row.kind: row.block_number for row in rows}
    assert block["withdraw"] == block["anchor"] + 1


@pytest.mark.parametrize("has_statistics", [True, False])
def test_a_withdrawal_behind_many_grants_is_found_by_indexes(
    own_database: OwnDatabase, has_statistics: bool
) -> None:
    """A new node's database knows nothing of its tables yet."""
    promise_grants(own_database, BACKLOG)
    own_database.promise_withdrawal(secrets.token_bytes(32), secrets.token_bytes(32))
    if has_statistics:
        own_database.sql("ANALYZE node.outbox")
    acts, plan = plan_of(own_database, lambda fence: Queue(fence).waiting(time.time()), -1)
    assert [act.kind for act in acts[WAITING_READ_MAX:]] == ["withdraw"]
    assert {"ix_node_outbox_withdrawals", "ix_node_outbox_keys"} <= {*plan.split()}, plan
    assert "Seq Scan" not in plan, plan
    assert "ix_node_outbox_waiting" not in plan, plan
