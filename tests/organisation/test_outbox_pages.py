"""Acts on the organisation's pages: by state, page by page, one with its reason, tried again."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator

import httpx
import pytest

from protocol.types import to_hex
from tests.organisation.visits import Visit, visit
from tests.refusals import assert_problem, nothing_written, send
from tests.stage import World, wait_until

FAILURE = {
    "name": "OrganisationSuspended",
    "detail": "The issuer <is> suspended.",
    "remedy": "Ask the association.",
    "values": {},
}
ACT = re.compile(r'href="/organisation/outbox/(\d+)"')


def insert(world: World, state: str, leaf: bytes) -> str:
    [row] = world.node.sql(
        "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, state,"
        " failure) VALUES (:own, 'anchor', :leaf, :leaf, '{}', :state, CAST(:why AS jsonb))"
        " RETURNING outbox_id",
        own=world.provider.id,
        leaf=leaf,
        state=state,
        why=json.dumps(FAILURE),
    )
    return str(row.outbox_id)


LEFT = re.compile(r"In block ([\d,]+), and effective. Final after (\d+) more blocks?\.")


def read_block(world: World) -> int:
    """The newest one that the index has read."""
    number: int = httpx.get(f"{world.node.url}/readyz").json()["blockNumber"]
    return number


def assert_says_when_final(world: World, somebody: Visit, path: str) -> None:
    before = read_block(world)
    found = LEFT.search(somebody.page(path))
    assert found is not None
    block, left = int(found[1].replace(",", "")), int(found[2])
    assert before <= block + world.node.settings.finality_blocks - left <= read_block(world)


@pytest.fixture
def failed(world: World) -> Iterator[str]:
    act = insert(world, "failed", secrets.token_bytes(32))
    yield act
    world.node.sql("DELETE FROM node.outbox WHERE outbox_id = :id AND state = 'failed'", id=act)


def test_acts_are_listed_by_state_and_page(world: World, failed: str) -> None:
    somebody = visit(world, "auditor")
    assert ACT.findall(somebody.page("/outbox"))[0] == failed
    only = somebody.page("/outbox", state="failed")
    assert failed in ACT.findall(only)
    assert "The issuer &lt;is&gt; suspended." in only
    assert failed not in ACT.findall(somebody.page("/outbox", state="final"))
    assert failed not in ACT.findall(somebody.page("/outbox", before=failed))
    assert somebody.get("/outbox", state="gone").status_code == 422
    assert "How the node is doing" in only
    limited = visit(world, "operator", areas=["consents"])
    for path in ("/outbox", f"/outbox/{failed}"):
        assert limited.get(path).status_code == 403
    assert 'href="/organisation/outbox"' not in limited.page("")


def test_one_that_failed_is_tried_again_and_reaches_the_ledger(world: World, failed: str) -> None:
    somebody = visit(world)
    page = somebody.page(f"/outbox/{failed}")
    assert "Ask the association." in page
    auditor = visit(world, "auditor")
    assert "Try again now" not in auditor.page(f"/outbox/{failed}")
    with nothing_written(world):
        assert auditor.post(f"/outbox/{failed}/retry").status_code == 403
    again = somebody.post(f"/outbox/{failed}/retry")
    assert (again.status_code, again.headers["location"]) == (303, f"/organisation/outbox/{failed}")
    wait_until(lambda: 'data-state="mined"' in somebody.page(f"/outbox/{failed}"), "a block")
    page = somebody.page(f"/outbox/{failed}")
    assert_says_when_final(world, somebody, f"/outbox/{failed}")
    assert_says_when_final(world, somebody, "/outbox?state=mined")
    assert "Acts in a block, not yet final" in somebody.page("/outbox")
    assert "Acts in a block, not yet final" in somebody.page("")
    assert "Ask the association." not in page
    assert "Transactions that may carry it" in page
    done = somebody.post(f"/outbox/{failed}/retry")
    assert done.status_code == 409
    assert "The act is not tried again" in done.text


def test_what_was_promised_anew_or_is_anothers_is_not_tried_again(world: World) -> None:
    leaf = secrets.token_bytes(32)
    first, second = insert(world, "failed", leaf), insert(world, "final", leaf)
    try:
        somebody = visit(world)
        answer = somebody.post(f"/outbox/{first}/retry")
        assert answer.status_code == 409
        assert f"act {second}" in answer.text
        client = world.provider.client
        assert_problem(
            send(client, "POST", f"/v1/outbox/{first}/retry"), 409, "act-not-retried", None
        )
        foreign = send(world.consumer.client, "POST", f"/v1/outbox/{first}/retry")
        assert_problem(foreign, 404, "act-not-found", None)
        assert somebody.post(f"/outbox/{first}/retry", headers={}).status_code == 403
        assert to_hex(leaf) in somebody.page(f"/outbox/{first}")
    finally:
        world.node.sql("DELETE FROM node.outbox WHERE subject = :leaf", leaf=leaf)
