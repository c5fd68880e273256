"""The sender finds what is open by indexes that hold nothing else, however much is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from node.db import SENDER_ROLE, role_engine
from node.sender import Sender
from tests.own_chain import OwnDatabase

DONE_COUNT = 100_000
Ask = Callable[[Sender], Any]


@pytest.fixture
def full_database(own_database: OwnDatabase) -> OwnDatabase:
    """A hundred thousand acts are final; three of each kind are open."""
    sender = bytes.fromhex(own_database.chain.operator_account.address[2:])
    own_database.sql(
        "INSERT INTO node.transactions (sender, nonce, hash, raw, state, block_number, block_hash)"
        " SELECT :sender, n, sha256(n::text::bytea), 'raw',"
        " CASE WHEN n <= :done THEN 'final' ELSE 'mined' END, n, 'block'"
        " FROM generate_series(1, :done + 3) AS n",
        sender=sender,
        done=DONE_COUNT,
    )
    own_database.sql(
        "INSERT INTO node.outbox (kind, subject, payload, state)"
        " SELECT 'anchor', sha256(n::text::bytea), '{}',"
        " CASE WHEN n <= :done THEN 'final' ELSE 'waiting' END"
        " FROM generate_series(1, :done + 3) AS n",
        done=DONE_COUNT,
    )
    own_database.sql("ANALYZE node.transactions, node.outbox")
    return own_database


def plan_of(database: OwnDatabase, table: str, ask: Ask) -> str:
    """PostgreSQL's plan for the statement by which the sender asks for a table, as it was sent."""
    sender, sent = database.sender(), []
    engine: Engine = sender._engine

    @event.listens_for(engine, "before_cursor_execute")
    def keep(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if f"FROM node.{table}" in statement or f"UPDATE node.{table}" in statement:
            sent.append((statement, values))

    ask(sender)
    assert sent, f"the sender asked nothing of {table}"
    explaining = role_engine(database.url, SENDER_ROLE)
    with explaining.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN {sent[0][0]}", sent[0][1]).all()
    explaining.dispose()
    return "\n".join(row[0] for row in rows)


def read_waiting(sender: Sender) -> None:
    with sender._engine.connect() as connection:
        assert len(sender._read_waiting(connection)) == 3


@pytest.mark.parametrize(
    ("table", "ask", "index"),
    [
        ("outbox", read_waiting, "ix_node_outbox_waiting"),
        ("transactions", Sender._reconcile, "ix_node_transactions_open"),
        ("transactions", lambda sender: sender._finalise(0), "ix_node_transactions_open"),
    ],
    ids=["what waits", "what is open", "what becomes final"],
)
def test_what_is_done_costs_the_sender_nothing(
    full_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch, table: str, ask: Ask, index: str
) -> None:
    monkeypatch.setattr(Sender, "_still_canonical", lambda sender, row: True)
    plan = plan_of(full_database, table, ask)
    assert index in plan, plan
    assert "Seq Scan" not in plan
