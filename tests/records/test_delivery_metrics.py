"""What other nodes have not confirmed is counted, until they have."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from node.process_metrics import _DELIVERIES
from protocol.entries import leaf_of
from tests.records.two_nodes import TwoNodes
from tests.stage import wait_until
from tests.watch.test_metrics import told


def count(nodes: TwoNodes, kind: str, state: str) -> int:
    """What the database says, where other tests may have left something that waits."""
    [row] = nodes.first.sql(
        "SELECT count(*) AS count FROM node.deliveries WHERE kind = :kind AND state = :state",
        kind=kind,
        state=state,
    )
    return int(row.count)


def wait_for_count(nodes: TwoNodes, kind: str, state: str) -> None:
    """Until the metric says what the database does."""
    name = f"ptx_deliveries kind={kind} state={state}"
    wait_until(lambda: told(nodes.world).get(name) == count(nodes, kind, state), name)


def oldest_seconds(nodes: TwoNodes, kind: str) -> float:
    return told(nodes.world)[f"ptx_deliveries_oldest_seconds kind={kind}"]


@pytest.mark.deep  # it waits for the metrics' own rhythm, several times
@pytest.mark.parametrize("kind", ["record", "erasure"])
def test_what_waits_for_another_node_is_counted_with_its_age(
    nodes: TwoNodes, secret: bytes, kind: str
) -> None:
    if kind == "erasure":
        record = nodes.grant_delivered(secret)
        nodes.end(record, secret)
    with nodes.passage.closed():
        if kind == "erasure":
            nodes.erase(record)
        else:
            record = nodes.grant(secret)
        assert count(nodes, kind, "waiting") >= 1
        wait_for_count(nodes, kind, "waiting")
        first = oldest_seconds(nodes, kind)
        wait_until(lambda: oldest_seconds(nodes, kind) > first, "a greater age")
    wait_until(lambda: dict(nodes.deliveries(record))[kind] == "delivered", "its delivery")
    wait_for_count(nodes, kind, "waiting")


def test_what_is_refused_for_good_is_counted(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    change = "UPDATE node.deliveries SET state = :state WHERE leaf = :leaf"
    nodes.first.sql(change, state="refused", leaf=leaf_of(record.entry))
    try:
        assert count(nodes, "record", "refused") >= 1
        wait_for_count(nodes, "record", "refused")
    finally:
        nodes.first.sql(change, state="delivered", leaf=leaf_of(record.entry))


def test_the_count_reads_none_of_what_is_done(nodes: TwoNodes) -> None:
    with nodes.first.engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.execute(text(f"EXPLAIN {_DELIVERIES}")).scalars())
    assert "ix_node_deliveries_unconfirmed" in plan
