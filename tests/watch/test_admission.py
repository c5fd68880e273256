"""What every request passes first: its name, its limits, its line in the log."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from node.api.routes import events
from protocol.entries import leaf_of
from protocol.types import to_hex
from tests.refusals import assert_problem
from tests.stage import World, wait_until
from tests.watch.own_door import Door, open_door

KEY_ALLOWANCE, ADDRESS_ALLOWANCE, LEARNERS_ALLOWANCE, GUESSES = 40, 60, 30, 5
PLENTY = 1_000_000


@pytest.fixture
def narrow(world: World, tmp_path: Path) -> Iterator[Door]:
    """One that soon has had enough."""
    with open_door(
        world,
        tmp_path / "api.log",
        rate_key_per_minute=KEY_ALLOWANCE,
        rate_address_per_minute=ADDRESS_ALLOWANCE,
        rate_learners_per_minute=LEARNERS_ALLOWANCE,
        rate_guesses_per_minute=GUESSES,
        trusted_proxies="127.0.0.0/8",
    ) as door:
        yield door


@pytest.fixture(scope="module")
def wide(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One that says all, and waits for no slow body longer than a second."""
    with open_door(
        world,
        tmp_path_factory.mktemp("wide") / "api.log",
        log_level="debug",
        webhook_private_addresses=True,
        request_seconds_max=1.0,
        rate_address_per_minute=PLENTY,
        rate_learners_per_minute=PLENTY,
        rate_guesses_per_minute=PLENTY,
    ) as door:
        yield door


def key_of(world: World) -> dict[str, str]:
    return {"Authorization": world.provider.client._http.headers["authorization"]}


def asked_from(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def test_a_key_may_ask_so_often_also_at_the_quick_door(
    world: World, narrow: Door, secret: bytes
) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    url, body = f"{narrow.url}/v1/consents/status", {"consents": [{"leaf": leaf}]}
    with httpx.Client(headers=key_of(world)) as http:
        answers = [http.post(url, json=body) for _ in range(KEY_ALLOWANCE + 20)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:KEY_ALLOWANCE] == [200] * KEY_ALLOWANCE
        refused = answers[-1]
        assert_problem(refused, 429, "too-many-requests", None)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["requestId"] == refused.headers["x-request-id"]
        # Others are not held up, from whichever address.
        consumer = world.consumer.client._http.headers["authorization"]
        assert httpx.post(url, json=body, headers={"Authorization": consumer}).status_code == 200
    operator = world.operator._http.headers["authorization"]
    text = httpx.get(f"{narrow.url}/metrics", headers={"Authorization": operator}).text
    assert re.search(r'^ptx_http_limited_total\{limit="key"\} [1-9]', text, re.M)


def test_an_address_may_ask_so_often_and_another_is_not_held_up(narrow: Door) -> None:
    url = f"{narrow.url}/v1/ledger"
    with httpx.Client(headers=asked_from("2001:db8::1")) as http:
        statuses = [http.get(url).status_code for _ in range(ADDRESS_ALLOWANCE + 20)]
    assert statuses[:ADDRESS_ALLOWANCE] == [200] * ADDRESS_ALLOWANCE
    assert 429 in statuses[ADDRESS_ALLOWANCE:]
    assert httpx.get(url, headers=asked_from("2001:db8::ffff")).status_code == 429
    assert httpx.get(url, headers=asked_from("2001:db8:0:1::1")).status_code == 200


def test_learners_of_a_school_have_doors_of_their_own(narrow: Door) -> None:
    url, school = f"{narrow.url}/v1/me/session", asked_from("198.51.100.1")
    statuses = [httpx.post(url, headers=school).status_code for _ in range(LEARNERS_ALLOWANCE + 9)]
    assert statuses[:LEARNERS_ALLOWANCE] == [201] * LEARNERS_ALLOWANCE
    assert 429 in statuses[LEARNERS_ALLOWANCE:]
    assert httpx.get(f"{narrow.url}/v1/ledger", headers=school).status_code == 200


def test_guessing_keys_ends_soon_and_not_for_whose_key_is_known(world: World, narrow: Door) -> None:
    url, here = f"{narrow.url}/v1/outbox", asked_from("198.51.100.2")
    assert httpx.get(url, headers={**here, **key_of(world)}).status_code == 200
    statuses = [
        httpx.get(url, headers={**here, "Authorization": f"Bearer ptx_{number}"}).status_code
        for number in range(GUESSES + 3)
    ]
    assert statuses == [401] * GUESSES + [429] * 3
    assert httpx.get(url, headers={**here, **key_of(world)}).status_code == 200


def test_a_request_keeps_its_name_or_gets_one(wide: Door) -> None:
    for wanted in ("a", "Order-12.34_x", "f" * 64):
        answer = httpx.get(f"{wide.url}/nowhere", headers={"X-Request-Id": wanted})
        assert answer.headers["x-request-id"] == answer.json()["requestId"] == wanted
    made = set()
    for wrong in ("", "f" * 65, "two words", "a/b", "a%", "é".encode().decode("latin-1")):
        headers = [(b"X-Request-Id", wrong.encode("latin-1"))]
        answer = httpx.get(f"{wide.url}/healthz", headers=headers)
        made.add(answer.headers["x-request-id"])
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
    assert len(made) == 6


def test_each_request_has_one_line_that_names_no_place(
    world: World, wide: Door, secret: bytes
) -> None:
    leaf = to_hex(leaf_of(world.grant_active(secret).entry))
    headers = {**key_of(world), "X-Request-Id": "one-line"}
    assert httpx.get(f"{wide.url}/v1/consents/{leaf}", headers=headers).status_code == 200
    [line] = wait_until(lambda: wide.said_of("one-line"), "the line")
    assert (line["event"], line["method"], line["status"]) == ("request", "GET", 200)
    assert line["route"] == "/v1/consents/{leaf}"
    assert line["ms"] > 0
    assert leaf[2:] not in wide.log.read_text()
    assert "127.0.0.1" not in json.dumps(wide.lines())


def test_lines_of_requests_at_the_same_time_keep_their_names(world: World, wide: Door) -> None:
    """Half of them fail, which says more than one line each."""

    def ask(number: int) -> None:
        path = "/v1/outbox" if number % 2 else f"/v1/participants/{number}"
        headers = {**key_of(world), "X-Request-Id": f"at-once-{number}"}
        answer = httpx.get(f"{wide.url}{path}", headers=headers)
        assert answer.headers["x-request-id"] == f"at-once-{number}"

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(100)))
    wait_until(lambda: len([n for n in range(100) if wide.said_of(f"at-once-{n}")]) == 100, "lines")
    for number in range(100):
        [line] = wide.said_of(f"at-once-{number}")
        asked = "/v1/outbox" if number % 2 else "/v1/participants/{organisation_id}"
        assert line["route"] == asked


def test_an_error_is_told_with_its_trace_and_without_its_values(world: World, wide: Door) -> None:
    """The database refuses with words that repeat what it was given."""
    world.node.sql(
        "CREATE FUNCTION node.tell_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'refused' USING DETAIL = NEW.url; END $$"
    )
    world.node.sql(
        "CREATE TRIGGER tell_all BEFORE INSERT ON node.webhooks"
        " FOR EACH ROW EXECUTE FUNCTION node.tell_all()"
    )
    try:
        headers = {**key_of(world), "X-Request-Id": "broken"}
        body = {"url": "https://127.0.0.1:1/canary"}
        answer = httpx.post(f"{wide.url}/v1/webhooks", json=body, headers=headers)
    finally:
        world.node.sql("DROP FUNCTION node.tell_all() CASCADE")
    assert_problem(answer, 500, "unexpected", None)
    wait_until(lambda: len(wide.said_of("broken")) == 2, "both lines")
    failed = wide.said_of("broken")[0]
    assert failed["event"] == "request_failed"
    assert "keep_webhooks.py" in failed["exception"]
    assert "canary" not in wide.log.read_text()


def test_json_that_is_too_deep_is_refused_before_it_is_parsed(world: World, wide: Door) -> None:
    kind = {**key_of(world), "Content-Type": "application/json"}
    for path in ("/v1/usages", "/v1/consents/status"):
        for body in (b"[" * 33 + b"]" * 33, b'{"consents":' + b"[" * 100_000):
            answer = httpx.post(f"{wide.url}{path}", content=body, headers=kind)
            assert_problem(answer, 400, "json-too-deep", "body")
        answer = httpx.post(f"{wide.url}{path}", content=b"[" * 32 + b"]" * 32, headers=kind)
        assert_problem(answer, 422, "request-invalid", None)


def test_headers_have_a_limit(wide: Door) -> None:
    answer = httpx.get(f"{wide.url}/healthz", headers={"X-Much": "a" * 17_000})
    assert_problem(answer, 431, "headers-too-large", None)
    assert httpx.get(f"{wide.url}/healthz", headers={"X-Much": "a" * 10_000}).status_code == 200
    assert httpx.get(f"{wide.url}/healthz", headers={"X-Much": "a" * 900_000}).status_code == 431


@pytest.mark.parametrize("path", ["/v1/usages", "/v1/consents/status"])
def test_a_body_that_does_not_come_is_not_waited_for(world: World, wide: Door, path: str) -> None:
    address = urlsplit(wide.url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\n"
        f"Authorization: {key_of(world)['Authorization']}\r\nContent-Length: 100\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port or 0), 20) as connection:
        connection.sendall(head.encode() + b'{"consents":')
        said = b""
        while part := connection.recv(65_536):
            said += part
    assert said.startswith(b"HTTP/1.1 408 ")
    problem = json.loads(said.partition(b"\r\n\r\n")[2])
    assert problem["type"] == "/problems/request-too-slow"


def test_a_head_that_does_not_come_is_not_waited_for(wide: Door) -> None:
    address = urlsplit(wide.url)
    with socket.create_connection((address.hostname, address.port or 0), 20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: no")
        assert connection.recv(65_536)[:12] in (b"", b"HTTP/1.1 408")


def test_one_organisation_may_hold_so_many_streams(world: World, wide: Door) -> None:
    headers = {**key_of(world), "Accept": "text/event-stream"}
    url = f"{wide.url}/v1/events"
    with httpx.Client(
        headers=headers, limits=httpx.Limits(max_connections=None), timeout=60
    ) as http:
        opened = [
            http.send(http.build_request("GET", url), stream=True)
            for _ in range(events.STREAMS_OF_ONE_MAX)
        ]
        reading = [stream.iter_raw() for stream in opened]
        for chunks in reading:  # counted once its first bytes are there
            next(chunks)
        refused = http.get(url)
        assert_problem(refused, 429, "too-many-streams", None)
        other = world.consumer.client._http.headers["authorization"]
        with httpx.stream("GET", url, headers={**headers, "Authorization": other}) as allowed:
            assert allowed.status_code == 200
        opened.pop().close()
        wait_until(lambda: _is_taken(http, url), "room for another")
        for stream in opened:
            stream.close()


def _is_taken(http: httpx.Client, url: str) -> bool:
    with http.stream("GET", url) as answer:
        return answer.status_code == 200
