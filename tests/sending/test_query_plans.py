"""The sender finds what is open by indexes that hold nothing else, however much is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text

from node.db import API_ROLE, SENDER_ROLE, role_engine
from node.outbox import MAX_ACT_ID, acts_statement
from node.process_metrics import watch_held_back
from node.sending.fence import Fence
from node.sending.journal import Journal
from node.sending.queue import Queue
from tests.own_chain import OwnDatabase

DONE_COUNT = 100_000
OPEN_COUNT = 3
WAITING, OPEN = "ix_node_outbox_waiting", "ix_node_transactions_open"

Ask = Callable[[Fence], Any]


@pytest.fixture
def full_database(own_database: OwnDatabase) -> OwnDatabase:
    """A hundred thousand acts are final; three of each kind are open."""
    own_database.sql(
        "INSERT INTO node.transactions (sender, nonce, target, data, gas, hash, state, is_open,"
        " signed_at_block, block_number, block_hash)"
        " SELECT :sender, n, 'target', 'data', 1, sha256(n::text::bytea),"
        " CASE WHEN n <= :done THEN 'final' ELSE 'mined' END, n > :done, 1, n, 'block'"
        " FROM generate_series(1, :done + :open) AS n",
        sender=sender_of(own_database),
        done=DONE_COUNT,
        open=OPEN_COUNT,
    )
    own_database.sql(
        "INSERT INTO node.attempts (transaction_id, hash, raw, gas_price_wei, is_filler)"
        " SELECT transaction_id, hash, 'raw', 0, false FROM node.transactions"
    )
    own_database.sql(
        "INSERT INTO node.outbox (kind, subject, order_key, payload, state)"
        " SELECT 'sign', sha256(n::text::bytea), sha256(n::text::bytea), '{}',"
        " CASE WHEN n <= :done THEN 'final' ELSE 'waiting' END"
        " FROM generate_series(1, :done + :open) AS n",
        done=DONE_COUNT,
        open=OPEN_COUNT,
    )
    own_database.sql("ANALYZE node.transactions, node.attempts, node.outbox")
    return own_database


def sender_of(database: OwnDatabase) -> bytes:
    return bytes.fromhex(database.chain.operator_account.address[2:])


def plan_of(database: OwnDatabase, ask: Ask, which: int = 0) -> tuple[Any, str]:
    """The answer, and PostgreSQL's plan for one of the statements by which the sender asked."""
    engine = role_engine(database.url, SENDER_ROLE)
    fence = Fence(engine, sender_of(database))
    fence.take_over()
    sent: list[Any] = []

    @event.listens_for(engine, "before_cursor_execute")
    def keep(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "node.sender_terms" not in statement:
            sent.append((statement, values))

    answer = ask(fence)
    assert sent, "the sender asked nothing"
    statement, values = sent[which]
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values).all()
    engine.dispose()
    return answer, "\n".join(row[0] for row in rows)


def watch(fence: Fence) -> None:
    """Counts what is refused for now, as the sender's metrics do."""
    with fence.reading() as connection:
        watch_held_back(connection)


@pytest.mark.parametrize(
    ("ask", "found", "index"),
    [
        (lambda fence: len(Queue(fence).waiting(time.time())), OPEN_COUNT, WAITING),
        (lambda fence: len(Queue(fence).held_keys(time.time())), 0, WAITING),
        (lambda fence: len(Journal(fence).under_way()), 0, OPEN),
        (lambda fence: len(Journal(fence).newest_in_blocks(9)), OPEN_COUNT, OPEN),
        (lambda fence: len(Journal(fence).in_blocks_up_to(DONE_COUNT + 1)), 1, OPEN),
        (lambda fence: Journal(fence).first_open_nonce(), DONE_COUNT + 1, OPEN),
        (lambda fence: len(Journal(fence).newest_closed(1)), 1, "transactions_sender_nonce_key"),
        (lambda fence: Journal(fence).next_nonce(0), DONE_COUNT + OPEN_COUNT + 1, "sender_nonce"),
        (lambda fence: Journal(fence).finalise([DONE_COUNT]), None, "transactions_pkey"),
        (watch, None, WAITING),
    ],
    ids=[
        "waits",
        "held",
        "under way",
        "newest in blocks",
        "may be final",
        "first open",
        "newest closed",
        "next nonce",
        "becomes final",
        "held back",
    ],
)
def test_what_is_done_costs_the_sender_nothing(
    full_database: OwnDatabase, ask: Ask, found: Any, index: str
) -> None:
    answer, plan = plan_of(full_database, ask)
    assert answer == found
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan


def test_a_failed_act_is_found_among_all_that_are_done(full_database: OwnDatabase) -> None:
    """As an organisation asks for its own, by the role of the API."""
    organisation = sender_of(full_database)
    [failed] = full_database.sql(
        "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, state)"
        " VALUES (:own, 'anchor', 'leaf', 'leaf', '{}', 'failed') RETURNING outbox_id",
        own=organisation,
    )
    engine = role_engine(full_database.url, API_ROLE)
    statement = acts_statement("failed", MAX_ACT_ID, 50)
    with engine.begin() as connection:
        scope = {"own": organisation.hex()}
        connection.execute(text("SELECT set_config('ptx.organisation', :own, true)"), scope)
        found = connection.execute(statement).all()
        compiled = statement.compile(
            engine, compile_kwargs={"render_postcompile": True, "literal_binds": True}
        )
        plan = "\n".join(row[0] for row in connection.execute(text(f"EXPLAIN {compiled}")))
    engine.dispose()
    assert [row.outbox_id for row in found] == [failed.outbox_id]
    assert "ix_node_outbox_failed" in plan, plan
    assert "Seq Scan on outbox" not in plan, plan
