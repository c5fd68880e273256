"""Consents granted one by one at the same time: they share transactions, and no trouble."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
from sqlalchemy import text

from node.api.shared_grants import GRANTS_MAX
from protocol.entries import leaf_of
from protocol.record import Record, to_json
from tests.refusals import assert_problem, send
from tests.stage import Node, World, wait_until

PATH = "/v1/consents"
WAITING = (
    "SELECT count(*) AS backends FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO node.%'"
)


@contextmanager
def outbox_shut(node: Node) -> Iterator[None]:
    """Inside the block nobody can promise anything; who tries waits."""
    with node.engine.begin() as connection:
        connection.execute(text("LOCK TABLE node.outbox IN SHARE ROW EXCLUSIVE MODE"))
        yield


def two_transactions_wait(node: Node) -> bool:
    """The second one begins when as many requests have come as would fill half of one."""
    [row] = node.sql(WAITING)
    return bool(row.backends >= 2)


def grant(world: World, record: Record, key: str | None = None) -> httpx.Response:
    headers = None if key is None else {"Idempotency-Key": key}
    body = {"records": [to_json(record)]}
    return send(world.provider.client, "POST", PATH, body, headers)


def transactions_of(world: World, records: list[Record]) -> Counter[Any]:
    """How many of the issuer's rows each transaction wrote."""
    rows = world.node.sql(
        "SELECT CAST(CAST(xmin AS text) AS bigint) AS by FROM node.consents"
        " WHERE leaf = ANY (:leaves) AND organisation_id = issuer",
        leaves=[leaf_of(record.entry) for record in records],
    )
    return Counter(row.by for row in rows)


def sent_together(world: World, sent: list[tuple[Record, str | None]]) -> list[httpx.Response]:
    """Answers to requests that came while the first of them was being carried out."""
    with ThreadPoolExecutor(len(sent)) as pool:
        with outbox_shut(world.node):
            waiting: list[Future[httpx.Response]] = [
                pool.submit(grant, world, record, key) for record, key in sent
            ]
            wait_until(lambda: two_transactions_wait(world.node), "the second transaction")
        return [future.result() for future in waiting]


def test_those_who_come_at_the_same_time_share_a_transaction(at_rest: World) -> None:
    records = [at_rest.make_record(secrets.token_bytes(32)) for _ in range(GRANTS_MAX)]
    keys = [None if n % 2 else f"shared {secrets.token_hex(8)}" for n in range(GRANTS_MAX)]
    answers = sent_together(at_rest, list(zip(records, keys, strict=True)))
    assert {answer.status_code for answer in answers} == {202}
    for record, answer in zip(records, answers, strict=True):
        [queued] = answer.json()["consents"]
        assert queued == {"leaf": "0x" + leaf_of(record.entry).hex(), "state": "queued"}
    shares = transactions_of(at_rest, records)
    assert sum(shares.values()) == GRANTS_MAX
    assert max(shares.values()) >= GRANTS_MAX // 2
    for record, key in zip(records, keys, strict=True):
        if key is not None:
            again = grant(at_rest, record, key)
            assert again.headers["idempotent-replayed"] == "true"


def test_each_gets_its_own_answer_whatever_is_wrong_with_others(at_rest: World) -> None:
    good = [at_rest.make_record(secrets.token_bytes(32)) for _ in range(GRANTS_MAX - 8)]
    twice, once, changed, other = (at_rest.make_record(secrets.token_bytes(32)) for _ in range(4))
    past = at_rest.make_record(secrets.token_bytes(32), valid_from=1_000, valid_until=2_000)
    key, reused = secrets.token_hex(8), secrets.token_hex(8)
    sent: list[tuple[Record, str | None]] = [(record, None) for record in good]
    places = [7, 17, 27, 37, 47, 57, 58]
    wrong = [
        (twice, None),
        (twice, None),
        (past, None),
        (once, key),
        (once, key),
        (changed, reused),
        (other, reused),
    ]
    for place, each in zip(places, wrong, strict=True):
        sent.insert(place, each)
    answers = sent_together(at_rest, sent)
    of = {place: answers[place] for place in places}
    for place, answer in enumerate(answers):
        assert place in of or answer.status_code == 202, answer.text
    assert sorted(of[place].status_code for place in (7, 17)) == [202, 409]
    refused = next(of[place] for place in (7, 17) if of[place].status_code == 409)
    assert_problem(refused, 409, "consent-already-granted", "records.0")
    assert_problem(of[27], 422, "record-refused", "records.0.entry.validUntil")
    assert of[37].json() == of[47].json()
    assert sum("idempotent-replayed" in of[place].headers for place in (37, 47)) == 1
    assert sorted(of[place].status_code for place in (57, 58)) == [202, 422]
    acts = at_rest.node.sql(
        "SELECT subject, count(*) AS acts FROM node.outbox WHERE subject = ANY (:leaves)"
        " GROUP BY subject",
        leaves=[leaf_of(record.entry) for record, _ in sent],
    )
    assert {row.acts for row in acts} == {1}
    assert len(acts) == len(good) + 3
