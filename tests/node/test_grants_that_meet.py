"""Requests that grant consents at the same moment, and touch the same: each gets a right answer."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
from sqlalchemy import text

from node.api.shared_grants import GRANTS_MAX, RECORDS_MAX
from protocol.entries import leaf_of
from protocol.record import Record, to_json
from tests.node.test_shared_grants import outbox_shut
from tests.refusals import assert_problem, send
from tests.stage import World, wait_until

HALF = GRANTS_MAX // 2
"""So many who wait begin a transaction of their own."""
REPLAYED = "idempotent-replayed"


def make(world: World, count: int) -> list[Record]:
    return [world.make_record(secrets.token_bytes(32)) for _ in range(count)]


def post(world: World, records: Sequence[Record], key: str | None = None) -> httpx.Response:
    headers = None if key is None else {"Idempotency-Key": key}
    body = {"records": [to_json(record) for record in records]}
    return send(world.provider.client, "POST", "/v1/consents", body, headers)


def wait_for_waiting(world: World, count: int) -> None:
    """Until so many transactions wait for locks."""
    statement = "SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    wait_until(lambda: world.node.sql(statement)[0].waiting == count, f"{count} that wait")


def acts_of(world: World, records: Sequence[Record]) -> int:
    """How many anchors are promised for these."""
    [row] = world.node.sql(
        "SELECT count(*) AS acts FROM node.outbox WHERE subject = ANY (:leaves)",
        leaves=[leaf_of(record.entry) for record in records],
    )
    return int(row.acts)


@contextmanager
def row_taken(world: World, record: Record) -> Iterator[None]:
    """Inside the block somebody else is about to write the issuer's row of the consent; in the end
    he does not."""
    entry = record.entry
    with world.node.engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO node.consents (organisation_id, leaf, agreement_id, issuer, holder,"
                " valid_from, valid_until, commitment, assurance, sealed_record) VALUES"
                " (:issuer, :leaf, :agreement, :issuer, :holder, 1, 2, '', 'signed', '')"
            ),
            {
                "issuer": entry.issuer,
                "leaf": leaf_of(entry),
                "agreement": entry.agreement_id,
                "holder": entry.holder,
            },
        )
        yield
        connection.rollback()


@contextmanager
def trigger(world: World, when: str, record: Record, does: str) -> Iterator[None]:
    """Inside the block a row of the outbox for this record does something; `when` is the trigger's
    kind and the time of it."""
    kind, timing = when.split(":")
    world.node.sql(
        "CREATE FUNCTION node.test_trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" AS $$ BEGIN {does} RETURN NEW; END $$"
    )
    world.node.sql(
        f"CREATE {kind} TRIGGER test_trigger AFTER INSERT ON node.outbox {timing} FOR EACH ROW"
        f" WHEN (NEW.subject = '\\x{leaf_of(record.entry).hex()}')"
        " EXECUTE FUNCTION node.test_trigger()"
    )
    try:
        yield
    finally:
        world.node.sql("DROP FUNCTION node.test_trigger() CASCADE")


def test_a_key_of_many_records_and_of_one_at_once(at_rest: World) -> None:
    many, one, key = make(at_rest, RECORDS_MAX + 1), make(at_rest, 1), secrets.token_hex(8)
    with ThreadPoolExecutor() as pool:
        with outbox_shut(at_rest.node):
            first = pool.submit(post, at_rest, many, key)
            wait_for_waiting(at_rest, 1)
            second = pool.submit(post, at_rest, one, key)
            wait_for_waiting(at_rest, 2)
        assert first.result().status_code == 202, first.result().text
        assert_problem(second.result(), 422, "idempotency-key-reused", None)
    assert acts_of(at_rest, one) == 0


def test_a_repeated_request_is_replayed_whether_alone_or_among_others(at_rest: World) -> None:
    """The first of the two is carried out alone, since it came among others that were refused; the
    second comes among others while the first has written and waits."""
    [first], repeated, beside = make(at_rest, 1), make(at_rest, 1), make(at_rest, HALF - 1)
    past = [
        at_rest.make_record(secrets.token_bytes(32), valid_from=1_000, valid_until=2_000)
        for _ in range(HALF - 1)
    ]
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(3 * HALF) as pool:
        with outbox_shut(at_rest.node):
            served = [pool.submit(post, at_rest, [first])]
            wait_for_waiting(at_rest, 1)
            alone = pool.submit(post, at_rest, repeated, key)
            for refused in [pool.submit(post, at_rest, [record]) for record in past]:
                assert_problem(refused.result(), 422, "record-refused", None)
            wait_for_waiting(at_rest, 2)
            among = pool.submit(post, at_rest, repeated, key)
            served += [pool.submit(post, at_rest, [record]) for record in beside]
            wait_for_waiting(at_rest, 3)
        answers = [alone.result(), among.result()]
        assert {future.result().status_code for future in served} == {202}
    assert [answer.status_code for answer in answers] == [202, 202], answers[1].text
    assert [REPLAYED in answer.headers for answer in answers] == [False, True]
    assert acts_of(at_rest, repeated) == 1


def test_the_same_records_in_two_orders_at_once(at_rest: World) -> None:
    records = make(at_rest, 3 * RECORDS_MAX)
    with ThreadPoolExecutor() as pool:
        with row_taken(at_rest, records[len(records) // 2]):
            sent = [pool.submit(post, at_rest, order) for order in (records, records[::-1])]
            wait_for_waiting(at_rest, 2)
        answers = sorted((each.result() for each in sent), key=lambda answer: answer.status_code)
    assert answers[0].status_code == 202, answers[0].text
    assert_problem(answers[1], 409, "consent-already-granted", "records.0")
    assert acts_of(at_rest, records) == len(records)


def test_what_was_refused_is_promised_anew_once(at_rest: World) -> None:
    refused, *others = make(at_rest, 2 * RECORDS_MAX + 1)
    with at_rest.node.held("sender"):
        at_rest.grant(refused)
        leaf = leaf_of(refused.entry)
        at_rest.node.sql("UPDATE node.outbox SET state = 'failed' WHERE subject = :leaf", leaf=leaf)
        with ThreadPoolExecutor() as pool:
            with outbox_shut(at_rest.node):
                batches = [[refused, *others[:RECORDS_MAX]], [refused, *others[RECORDS_MAX:]]]
                sent = [pool.submit(post, at_rest, batch) for batch in batches]
                wait_for_waiting(at_rest, 2)
            assert sorted(each.result().status_code for each in sent) == [202, 409]
        twice = post(at_rest, [refused, refused])
        assert_problem(twice, 409, "consent-already-granted", "records.0")
    assert acts_of(at_rest, [refused]) == 2  # the one that failed, and one


def sent_in_one_transaction(world: World, records: Sequence[Record]) -> list[httpx.Response]:
    """Answers to half as many requests as fit, which came while another was being carried out."""
    assert len(records) == HALF
    with ThreadPoolExecutor(HALF + 1) as pool:
        with outbox_shut(world.node):
            first = pool.submit(post, world, make(world, 1))
            wait_for_waiting(world, 1)
            sent = [pool.submit(post, world, [record]) for record in records]
            wait_for_waiting(world, 2)
        assert first.result().status_code == 202
        return [each.result() for each in sent]


def test_an_error_of_the_database_meets_the_one_that_causes_it(at_rest: World) -> None:
    cause, *others = records = make(at_rest, HALF)
    with trigger(at_rest, ":", cause, "RAISE EXCEPTION 'this one';"):
        failed, *answers = sent_in_one_transaction(at_rest, records)
    assert_problem(failed, 500, "unexpected", None)
    assert {answer.status_code for answer in answers} == {202}
    assert (acts_of(at_rest, [cause]), acts_of(at_rest, others)) == (0, len(others))


def test_nobody_is_carried_out_again_when_the_reply_of_a_commit_is_lost(at_rest: World) -> None:
    """The connection ends in the COMMIT: whether it was one is not known to who asked for it."""
    records = make(at_rest, HALF)
    when = "CONSTRAINT:DEFERRABLE INITIALLY DEFERRED"
    end = "PERFORM pg_terminate_backend(pg_backend_pid());"
    with trigger(at_rest, when, records[0], end):
        for answer in sent_in_one_transaction(at_rest, records):
            assert_problem(answer, 503, "database-unavailable", None)
    assert acts_of(at_rest, records) == 0
