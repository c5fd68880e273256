"""What is answered holds: no 202 without COMMIT, no answer from a stale index, no open gate."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from protocol.entries import leaf_of
from protocol.record import to_json
from protocol.types import to_hex
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import World, wait_until

STALE = "UPDATE indexing.heartbeat SET head_read_at = clock_timestamp() - interval '31 seconds'"


@contextmanager
def commit_fails(world: World, error_code: str) -> Iterator[None]:
    """Inside the block every COMMIT that has written to the outbox fails, and nothing else does."""
    world.node.sql(
        "CREATE FUNCTION node.fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION 'the commit fails' USING ERRCODE = '{error_code}'; END $$"
    )
    world.node.sql(
        "CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON node.outbox"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION node.fail_at_commit()"
    )
    try:
        yield
    finally:
        world.node.sql("DROP FUNCTION node.fail_at_commit() CASCADE")


@pytest.mark.parametrize(
    ("error_code", "status", "slug"),
    [("P0001", 500, "unexpected"), ("40001", 503, "database-unavailable")],
    ids=["an error", "a conflict"],
)
def test_no_202_without_commit(
    at_rest: World, secret: bytes, error_code: str, status: int, slug: str
) -> None:
    body = {"records": [to_json(at_rest.make_record(secret))]}
    key, client = {"Idempotency-Key": secrets.token_hex(8)}, at_rest.provider.client
    with nothing_written(at_rest), commit_fails(at_rest, error_code):
        answer = send(client, "POST", "/v1/consents", body, key)
        assert_problem(answer, status, slug, None)
    again = send(client, "POST", "/v1/consents", body, key)
    assert again.status_code == 202
    assert "idempotent-replayed" not in again.headers


def test_no_withdrawal_is_accepted_without_commit(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    body = world.withdrawal_of(record, secret)
    with nothing_written(world), commit_fails(world, "P0001"):
        answer = send(world.operator, "POST", "/v1/withdrawals", body)
        assert_problem(answer, 500, "unexpected", None)
        assert world.status(record)["state"] == "active"
    world.withdraw(record, secret)
    world.wait_for_state(record, "withdrawn")


def test_a_withdrawal_of_what_still_waits_closes_the_gate_and_ends_it(
    at_rest: World, secret: bytes
) -> None:
    record = at_rest.make_record(secret)
    with at_rest.node.held("sender"):
        at_rest.grant(record)
        assert at_rest.status(record)["state"] == "queued"
        assert at_rest.withdraw(record, secret)["state"] == "withdrawal-pending"
        assert at_rest.status(record)["state"] == "withdrawal-pending"
        assert not at_rest.status(record)["active"]
    ended = at_rest.wait_for_state(record, "withdrawn")
    rows = at_rest.node.sql(
        "SELECT o.kind, t.block_number FROM node.outbox o JOIN node.transactions t"
        " USING (transaction_id) WHERE o.subject = :leaf ORDER BY t.nonce",
        leaf=leaf_of(record.entry),
    )
    assert [row.kind for row in rows] == ["anchor", "withdraw"]
    assert rows[0].block_number <= rows[1].block_number
    assert ended["endedBy"] == "holder"


def test_from_acceptance_on_no_answer_is_active(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    with world.node.held("sender"):
        world.withdraw(record, secret)
        for client in (world.provider.client, world.consumer.client, world.operator):
            answer = world.status(record, client)
            assert (answer["state"], answer["active"]) == ("withdrawal-pending", False)
        body = {
            "agreementId": to_hex(world.agreement),
            "consents": [to_hex(leaf_of(record.entry))],
        }
        with nothing_written(world):
            answer = send(world.consumer.client, "POST", "/v1/usages", body)
            assert_problem(answer, 409, "consent-not-active", "consents.0")
    world.wait_for_state(record, "withdrawn")


@contextmanager
def stale_index(world: World) -> Iterator[None]:
    """The indexer stands still, and has for longer than the limit."""
    with world.node.held("indexer"):
        world.node.sql(STALE)
        yield
    wait_until(lambda: httpx.get(f"{world.node.url}/readyz").status_code == 200, "readiness")


def test_a_stale_index_never_answers_active(at_rest: World, secret: bytes) -> None:
    world = at_rest
    record = world.grant_active(secret)
    leaf = to_hex(leaf_of(record.entry))
    grant = {"records": [to_json(world.make_record(secrets.token_bytes(32)))]}
    uses = {"agreementId": to_hex(world.agreement), "consents": [leaf]}
    with stale_index(world), nothing_written_while_stale(world):
        for method, path, body in (
            ("POST", "/v1/consents/status", {"consents": [{"leaf": leaf}]}),
            ("GET", f"/v1/consents/{leaf}", None),
            ("GET", f"/v1/proofs/{leaf}", None),
            ("GET", f"/v1/agreements/{to_hex(world.agreement)}", None),
            ("GET", "/v1/statements/2026-11", None),
            ("GET", "/v1/rates", None),
            ("GET", "/v1/accounts", None),
            ("GET", "/v1/accounts/commission", None),
            ("GET", "/readyz", None),
            ("POST", "/v1/consents", grant),
            ("POST", "/v1/usages", uses),
        ):
            party = world.provider if body is grant else world.consumer
            answer = send(party.client, method, path, body)
            assert_problem(answer, 503, "index-stale", None)
            assert answer.headers["retry-after"]
        assert httpx.get(f"{world.node.url}/healthz").status_code == 200


def test_an_indexer_that_stands_still_is_believed_at_once(at_rest: World, secret: bytes) -> None:
    world, record = at_rest, at_rest.grant_active(secret)
    asked = {"consents": [{"leaf": to_hex(leaf_of(record.entry))}]}
    with world.node.held("indexer"):
        world.node.sql("INSERT INTO indexing.halt VALUES (true, now(), 'the books differ')")
        for method, path, body in (
            ("POST", "/v1/consents/status", asked),
            ("GET", "/v1/rates", None),
            ("GET", "/readyz", None),
        ):
            problem = assert_problem(
                send(world.consumer.client, method, path, body), 503, "index-stale", None
            )
            assert problem["detail"] == "The indexer stands still: the books differ"
        assert "ptx_index_halted 1.0" in world.node.metrics()
        world.node.sql("DELETE FROM indexing.halt")
    wait_until(lambda: httpx.get(f"{world.node.url}/readyz").status_code == 200, "readiness")
    assert "ptx_index_halted 0.0" in world.node.metrics()


@contextmanager
def nothing_written_while_stale(world: World) -> Iterator[None]:
    statement = "SELECT (SELECT count(*) FROM node.outbox), (SELECT count(*) FROM node.uses)"
    before = world.node.sql(statement)
    yield
    assert world.node.sql(statement) == before


def test_a_stale_index_does_not_stop_a_withdrawal(at_rest: World, secret: bytes) -> None:
    record = at_rest.grant_active(secret)
    with stale_index(at_rest):
        assert at_rest.withdraw(record, secret)["state"] == "withdrawal-pending"
    at_rest.wait_for_state(record, "withdrawn")


def test_every_answer_says_what_block_it_rests_on(world: World, secret: bytes) -> None:
    record = world.grant_active(secret)
    leaf = to_hex(leaf_of(record.entry))
    answer = world.consumer.client.get(f"/v1/consents/{leaf}")
    block = world.web3.eth.get_block(answer["asOf"]["blockNumber"])
    assert answer["asOf"]["blockHash"] == block["hash"].to_0x_hex()
    assert answer["asOf"]["blockTime"] == block["timestamp"]
    assert 0 <= answer["asOf"]["ageSeconds"] < 30


def test_a_consent_that_the_contract_refused_says_why_and_may_be_promised_anew(
    world: World, secret: bytes
) -> None:
    record = world.make_record(secret)
    leaf = leaf_of(record.entry)
    with world.node.held("sender"):
        world.grant(record)
        world.node.sql(
            "UPDATE node.outbox SET state = 'failed', failure = CAST(:failure AS jsonb)"
            " WHERE subject = :leaf",
            failure='{"name": "Stopped"}',
            leaf=leaf,
        )
    shown = world.provider.client.get(f"/v1/consents/{to_hex(leaf)}")
    assert shown["failure"] == {"name": "Stopped"}
    assert shown["status"]["state"] == "not-anchored"
    world.grant(record)
    world.wait_for_state(record, "active")
    assert world.provider.client.get(f"/v1/consents/{to_hex(leaf)}")["failure"] is None
