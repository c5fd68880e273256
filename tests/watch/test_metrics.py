"""What the processes of a node count is told at one address."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.stage import World, wait_until


def told(world: World) -> dict[str, float]:
    """Sample → value; each name once, as Prometheus requires."""
    text = world.node.metrics()
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {
        sample.name
        + "".join(f" {key}={each}" for key, each in sorted(sample.labels.items())): value
        for family in families
        for sample in family.samples
        for value in [sample.value]
    }


def test_every_process_tells_what_it_counts(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    before = told(world).get("ptx_withdrawal_seconds_count", 0.0)
    world.withdraw(record, secret)
    world.wait_for_state(record, "withdrawn")
    wait_until(
        lambda: told(world).get("ptx_withdrawal_seconds_count", 0.0) > before, "the withdrawal"
    )
    found = told(world)
    for process in ("indexer", "sender", "webhooks"):
        assert found[f"ptx_process_silent_seconds process={process}"] < 60
    assert found["ptx_sender_nonce_gap"] == 0
    assert found["ptx_sender_nonce_on_chain"] > 0
    assert found["ptx_books_compared_block"] > 0
    for kind in ("record", "erasure"):
        assert found[f"ptx_deliveries kind={kind} state=waiting"] == 0
        assert found[f"ptx_deliveries_oldest_seconds kind={kind}"] == 0
    assert found["ptx_books_differ"] == found["ptx_index_halted"] == 0
    assert 0 <= found["ptx_database_pool_in_use"] <= found["ptx_database_pool_size"] > 0


def test_what_waits_is_told_by_kind(at_rest: World, secret: bytes) -> None:
    with at_rest.node.held("sender"):
        at_rest.grant(at_rest.make_record(secret))
        found = told(at_rest)
        assert found["ptx_outbox_acts kind=anchor state=waiting"] == 1
        assert found["ptx_outbox_acts_oldest_seconds kind=anchor state=waiting"] >= 0
        assert found["ptx_outbox_open"] == 1


def test_a_process_that_does_not_turn_falls_silent(world: World) -> None:
    with world.node.held("indexer"):
        silent = "ptx_process_silent_seconds process=indexer"
        wait_until(lambda: told(world)[silent] > 7, "silence")
    wait_until(lambda: told(world)[silent] < 7, "the end of silence")
