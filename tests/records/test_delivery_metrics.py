"""What other nodes have not confirmed is counted, until they have."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from node.process_metrics import _DELIVERIES
from protocol.entries import leaf_of
from tests.records.two_nodes import TwoNodes
from tests.stage import wait_until
from tests.watch.test_metrics import told


def wait_for_count(nodes: TwoNodes, kind: str, state: str, count: int) -> None:
    name = f"ptx_deliveries kind={kind} state={state}"
    wait_until(lambda: told(nodes.world).get(name) == count, f"{name} {count}")


def oldest_seconds(nodes: TwoNodes, kind: str) -> float:
    return told(nodes.world)[f"ptx_deliveries_oldest_seconds kind={kind}"]


@pytest.mark.parametrize("kind", ["record", "erasure"])
def test_what_waits_for_another_node_is_counted_with_its_age(
    nodes: TwoNodes, secret: bytes, kind: str
) -> None:
    wait_for_count(nodes, kind, "waiting", 0)
    if kind == "erasure":
        record = nodes.grant_delivered(secret)
        nodes.end(record, secret)
    with nodes.passage.closed():
        if kind == "erasure":
            nodes.erase(record)
        else:
            record = nodes.grant(secret)
        wait_for_count(nodes, kind, "waiting", 1)
        first = oldest_seconds(nodes, kind)
        wait_until(lambda: oldest_seconds(nodes, kind) > first, "a greater age")
    wait_for_count(nodes, kind, "waiting", 0)
    assert oldest_seconds(nodes, kind) == 0
    assert dict(nodes.deliveries(record))[kind] == "delivered"


def test_what_is_refused_for_good_is_counted(nodes: TwoNodes, secret: bytes) -> None:
    record = nodes.grant_delivered(secret)
    change = "UPDATE node.deliveries SET state = :state WHERE leaf = :leaf"
    before = told(nodes.world)["ptx_deliveries kind=record state=refused"]
    nodes.first.sql(change, state="refused", leaf=leaf_of(record.entry))
    try:
        wait_for_count(nodes, "record", "refused", int(before) + 1)
    finally:
        nodes.first.sql(change, state="delivered", leaf=leaf_of(record.entry))
    wait_for_count(nodes, "record", "refused", int(before))


def test_the_count_reads_none_of_what_is_done(nodes: TwoNodes) -> None:
    with nodes.first.engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.execute(text(f"EXPLAIN {_DELIVERIES}")).scalars())
    assert "ix_node_deliveries_unconfirmed" in plan
