"""A withdrawal that was accepted and could not be carried out is promised anew when sent again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text

from node.intake.records import signed_slip
from protocol.entries import leaf_of
from protocol.record import Record
from protocol.slip import encode_slip
from protocol.types import to_hex
from tests.node.test_ended_elsewhere import bury
from tests.stage import Json, World, wait_until

CLIENTS = 4
HELD_UP = (
    "SELECT count(*) AS requests FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def send(world: World, body: Json) -> Json:
    answer = httpx.post(f"{world.node.url}/v1/withdrawals", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def end_in_vain(world: World, record: Record, state: str) -> None:
    world.node.sql(
        "UPDATE node.outbox SET state = :state, failure = :failure"
        " WHERE kind = 'withdraw' AND subject = :leaf AND state = 'waiting'",
        state=state,
        failure='{"name": "X", "detail": "Refused.", "remedy": "Send it again.", "values": {}}',
        leaf=leaf_of(record.entry),
    )


def states(world: World, record: Record) -> Sequence[str]:
    rows = world.node.sql(
        "SELECT state FROM node.outbox WHERE kind = 'withdraw' AND subject = :leaf"
        " ORDER BY outbox_id",
        leaf=leaf_of(record.entry),
    )
    return [row.state for row in rows]


def send_at_once(world: World, body: Json) -> list[Json]:
    """All of them have read what is promised, or wait to, before the first one promises."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        with world.node.engine.begin() as connection:
            connection.execute(text("LOCK TABLE node.outbox IN SHARE ROW EXCLUSIVE MODE"))
            answers = [pool.submit(send, world, body) for _ in range(CLIENTS)]
            wait_until(lambda: world.node.sql(HELD_UP)[0].requests == CLIENTS, "all requests")
        return [answer.result() for answer in answers]


@pytest.mark.parametrize("state", ["failed", "expired"])
def test_a_withdrawal_in_vain_is_promised_anew_once_by_the_same_slip(
    at_rest: World, secret: bytes, state: str
) -> None:
    """However many send it at the same time; the gate stays closed all the while."""
    record = at_rest.grant_active(secret)
    slip = {"slip": to_hex(encode_slip(signed_slip(record, secret)))}
    shown = f"{at_rest.node.url}/v1/withdrawals/{to_hex(leaf_of(record.entry))}"
    with at_rest.node.held("sender"):
        send(at_rest, slip)
        end_in_vain(at_rest, record, state)
        assert httpx.get(shown).json()["failure"]["detail"] == "Refused."
        assert at_rest.status(record)["state"] == "withdrawal-pending"
        answers = send_at_once(at_rest, slip)
        assert {each["state"] for each in answers} == {"withdrawal-pending"}
        assert not any(each.get("failure") for each in answers)
        assert states(at_rest, record) == [state, "waiting"]
        assert httpx.get(shown).json().get("failure") is None
    at_rest.wait_for_state(record, "withdrawn")
    assert send(at_rest, slip)["state"] == "withdrawn"
    assert len(states(at_rest, record)) == 2


def test_a_withdrawal_in_vain_that_the_ledger_has_from_elsewhere_is_not_promised_anew(
    at_rest: World, secret: bytes
) -> None:
    record = at_rest.grant_active(secret)
    body = at_rest.withdrawal_of(record, secret)
    send(at_rest, body)
    at_rest.wait_for_state(record, "withdrawn")
    at_rest.node.sql(
        "UPDATE node.outbox SET state = 'failed' WHERE kind = 'withdraw' AND subject = :leaf",
        leaf=leaf_of(record.entry),
    )
    bury(at_rest)
    assert send(at_rest, body)["state"] == "withdrawn"
    assert states(at_rest, record) == ["failed"]
