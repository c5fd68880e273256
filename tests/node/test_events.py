"""`/v1/events`: pages and streams of what happens on the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from indexer.queries.feed import parse_position
from node.api.app import create_app
from node.api.routes import events as routes
from node.api.routes.events import HEARTBEAT_SECONDS, Pulse
from node.api.schemas.events import FeedStanding
from protocol.events import EVENT_TYPES
from tests.node.test_promises import stale_index
from tests.refusals import assert_problem, send
from tests.stage import Json, World, wait_until

EVERYTHING = "0-0-0"


def pages(world: World, after: str = EVERYTHING, **parameters: Any) -> list[Json]:
    """All items after a position, page by page."""
    found: list[Json] = []
    while True:
        page = world.consumer.client.get("/v1/events", after=after, **parameters)
        if not page["items"]:
            return found
        found += page["items"]
        after = page["next"]


@contextmanager
def stream(
    world: World, last_event_id: str | None = None, **parameters: Any
) -> Iterator[Iterator[dict[str, str]]]:
    """The messages of a stream, as an EventSource reads them."""
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    http = world.consumer.client._http
    with http.stream("GET", "/v1/events", params=parameters, headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield messages(response)


def messages(response: httpx.Response) -> Iterator[dict[str, str]]:
    """Without heartbeats, which come whenever the clock says so."""
    return (each for each in told(response) if each.get("event") not in ("heartbeat", "stale"))


def told(response: httpx.Response) -> Iterator[dict[str, str]]:
    message: dict[str, str] = {}
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            message[name] = value
        elif not line and message:
            yield message
            message = {}


def test_pages_tell_everything_once_and_in_order(world: World) -> None:
    whole = pages(world, limit=1_000)
    assert pages(world, limit=3)[: len(whole)] == whole
    places = [(item["blockNumber"], item["logIndex"]) for item in whole]
    assert places == sorted(set(places))
    assert len({item["id"] for item in whole}) == len(whole)
    assert {"ParticipantAdmitted", "AgreementProposed", "Deposited"} <= {i["name"] for i in whole}
    for item in whole:
        assert item["removed"] is False
        assert item["id"] == f"{item['blockHash']}-{item['logIndex']}"
        block = world.web3.eth.get_block(item["blockNumber"])
        assert item["blockHash"] == "0x" + block["hash"].hex().removeprefix("0x")
        assert item["blockTime"] == block["timestamp"]
        assert item["transactionHash"].removeprefix("0x") in {
            each.hex().removeprefix("0x") for each in block["transactions"]
        }


def test_without_a_position_a_page_begins_now(world: World, secret: bytes) -> None:
    now = world.consumer.client.get("/v1/events")
    assert now["items"] == []
    world.grant_active(secret)
    [item] = pages(world, now["next"], names="LeavesAnchored")
    assert item["contract"] == "ConsentRegistry"
    assert item["arguments"]["size"] >= 8


@pytest.mark.parametrize("names", ["RateSet", "RateSet,AgreementProposed", " RateSet , RateSet"])
def test_names_choose_events(world: World, names: str) -> None:
    chosen = {name.strip() for name in names.split(",")}
    whole = [item for item in pages(world, limit=1_000) if item["name"] in chosen]
    assert pages(world, names=names, limit=2) == whole != []


def test_a_stream_tells_what_the_pages_tell_and_goes_on(world: World, secret: bytes) -> None:
    known = pages(world, limit=1_000)
    with stream(world, after=EVERYTHING) as told:
        assert next(told) == {"id": EVERYTHING}
        for item, message in zip(known, islice(told, len(known)), strict=True):
            assert message["id"] == item["position"]
            assert message["event"] == item["name"]
            assert json.loads(message["data"]) == item
        record = world.make_record(secret)
        world.grant(record)
        anchored = next(message for message in told if message["event"] == "LeavesAnchored")
    assert json.loads(anchored["data"])["arguments"]["issuer"] == "0x" + world.provider.id.hex()


@pytest.mark.parametrize("cut_after", [0, 1, 5])
def test_a_stream_that_is_cut_off_goes_on_where_it_was(world: World, cut_after: int) -> None:
    known = [item["id"] for item in pages(world, limit=1_000)]
    told: list[str] = []
    position = EVERYTHING
    while len(told) < len(known):
        with stream(world, last_event_id=position, after="0-1-1") as source:
            assert next(source) == {"id": position}
            for message in islice(source, min(cut_after + 1, len(known) - len(told))):
                told.append(json.loads(message["data"])["id"])
                position = message["id"]
        cut_after += 7
    assert told == known


def test_a_stream_that_begins_now_misses_nothing_when_cut_at_once(
    world: World, secret: bytes
) -> None:
    with stream(world, names="LeavesAnchored") as source:
        position = next(source)["id"]
    world.grant_active(secret)
    with stream(world, last_event_id=position, names="LeavesAnchored") as source:
        next(source)
        assert next(source)["event"] == "LeavesAnchored"


def test_who_leaves_is_no_longer_served(world: World, secret: bytes) -> None:
    def open_streams() -> int:
        text = world.node.metrics()
        [line] = [line for line in text.splitlines() if line.startswith("ptx_event_streams ")]
        return int(float(line.split()[1]))

    with stream(world) as source:
        next(source)
        wait_until(lambda: open_streams() == 1, "one stream")
    wait_until(lambda: open_streams() == 0, "the end of the stream")


LISTENERS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"


def test_many_readers_need_one_connection_that_listens(world: World) -> None:
    """One of the API and one of the webhooks, however many streams are open."""
    with ExitStack() as opened:
        for _ in range(20):
            next(opened.enter_context(stream(world)))
        assert len(world.node.sql(LISTENERS)) == 2


def test_a_lost_notification_is_made_up_for(world: World, secret: bytes) -> None:
    with stream(world, names="LeavesAnchored") as source:
        next(source)
        world.node.sql(LISTENERS.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
        world.grant_active(secret)
        assert next(source)["event"] == "LeavesAnchored"
    wait_until(lambda: len(world.node.sql(LISTENERS)) == 2, "both listening again")


def test_a_node_serves_so_many_streams_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "STREAMS_MAX", 0)
    key = world.consumer.client._http.headers["authorization"]
    headers = {"Authorization": key, "Accept": "text/event-stream"}
    with TestClient(create_app(world.node.settings), headers=headers) as client:
        answer = client.get("/v1/events")
    assert_problem(answer, 503, "streams-exhausted", None)
    assert answer.headers["retry-after"] == "30"


def test_a_stream_says_when_the_index_stands_still_and_when_it_goes_on(
    at_rest: World, secret: bytes
) -> None:
    """Its reader would else take silence for peace."""
    world, http = at_rest, at_rest.consumer.client._http
    headers = {"Accept": "text/event-stream"}
    with http.stream("GET", "/v1/events", headers=headers) as response:
        source = told(response)
        begin = next(source)["id"]
        with stale_index(world):
            stale = next(each for each in source if each.get("event") == "stale")
        fresh = next(each for each in source if each.get("event") == "heartbeat")
        world.grant_active(secret)
        anchored = next(each for each in source if each.get("event") == "LeavesAnchored")
    assert "id" not in stale.keys() | fresh.keys()  # whoever resumes goes on from the last event
    told_stale = json.loads(stale["data"])
    assert (told_stale["asOf"], told_stale["problem"]["type"]) == (None, "/problems/index-stale")
    assert "last saw the head of the chain" in told_stale["problem"]["detail"]
    as_of = json.loads(fresh["data"])["asOf"]
    assert 0 <= as_of["ageSeconds"] <= world.node.settings.max_staleness_seconds
    assert parse_position(begin) <= parse_position(anchored["id"])


def test_a_heart_beats_now_and_then_and_at_once_when_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(routes.time, "monotonic", lambda: clock[0])
    fresh = FeedStanding(as_of=None, problem=None)
    stale = FeedStanding(as_of=None, problem={"type": "/problems/index-stale"})
    pulse = Pulse()

    def beaten(seconds: float, standing: FeedStanding) -> str | None:
        clock[0] += seconds
        beat = pulse.beat(standing)
        return None if beat is None else beat.decode().partition("\r\n")[0]

    assert beaten(0, fresh) is None
    assert beaten(HEARTBEAT_SECONDS - 1, fresh) is None
    assert beaten(1, fresh) == "event: heartbeat"
    assert beaten(1, stale) == "event: stale"
    assert beaten(1, stale) is None
    assert beaten(HEARTBEAT_SECONDS, stale) == "event: stale"
    assert beaten(1, fresh) == "event: heartbeat"
    assert beaten(1, fresh) is None


def test_events_are_for_who_has_a_key(world: World) -> None:
    assert_problem(httpx.get(f"{world.node.url}/v1/events"), 401, "key-invalid", None)


@pytest.mark.parametrize(
    ("query", "slug", "field"),
    [
        ("after=yesterday", "request-invalid", "after"),
        ("after=9-0-0", "position-unknown", "after"),
        ("names=Nothing", "request-invalid", "names"),
        ("limit=1001", "request-invalid", "limit"),
        ("limit=0", "request-invalid", "limit"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_what_cannot_be_read_is_refused(
    world: World, query: str, slug: str, field: str, accept: str
) -> None:
    headers = {"Accept": accept}
    answer = send(world.operator, "GET", f"/v1/events?{query}", headers=headers)
    assert_problem(answer, 422, slug, field)


def test_a_last_event_id_that_is_none_is_refused(world: World) -> None:
    answer = send(world.operator, "GET", "/v1/events", headers={"Last-Event-ID": "7"})
    assert_problem(answer, 422, "request-invalid", "Last-Event-ID")


def test_every_event_that_contracts_report_can_be_asked_for(world: World) -> None:
    names = ",".join(EVENT_TYPES)
    assert pages(world, names=names, limit=1_000) == pages(world, limit=1_000)
