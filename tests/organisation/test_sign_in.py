"""The session's cookie: who gets it, what it opens, and what it does not."""

from __future__ import annotations

import httpx
import pytest
from fastapi import Response

from node.api.organisation.session_cookie import NAME, keep_session
from node.config import Settings
from tests.access.signing import HTTP, session_of
from tests.organisation.visits import OWN_PAGE, Visit, visit
from tests.refusals import assert_problem, nothing_written
from tests.stage import World

FROM_ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {},
]


def exchange(world: World, token: str, **headers: str) -> httpx.Response:
    shown = {"Authorization": f"Bearer {token}", **headers}
    return httpx.post(f"{world.node.url}/organisation/session", headers=shown)


def test_a_session_becomes_a_cookie_that_no_script_reads(world: World) -> None:
    opened, _ = session_of(world, world.provider.wallet.account)
    answer = exchange(world, opened["token"], **OWN_PAGE)
    assert (answer.status_code, answer.text) == (204, "")
    [cookie] = answer.headers.get_list("set-cookie")
    name, _, attributes = cookie.partition("; ")
    assert name == f"{NAME}={opened['token']}"
    assert attributes == "HttpOnly; Path=/; SameSite=strict"


def test_where_the_node_is_known_by_https_the_cookie_goes_no_other_way() -> None:
    answer = Response()
    keep_session(answer, Settings(public_url="https://node.example"), "token")
    assert answer.headers["set-cookie"] == (
        "__Host-ptx-session=token; HttpOnly; Path=/; SameSite=strict; Secure"
    )


def test_only_a_persons_session_becomes_a_cookie(world: World) -> None:
    key = world.provider.client._http.headers["authorization"].removeprefix("Bearer ")
    assert_problem(exchange(world, key, **OWN_PAGE), 409, "no-session", None)
    assert_problem(exchange(world, "ptxs_invented", **OWN_PAGE), 401, "session-ended", None)
    without = HTTP.post(f"{world.node.url}/organisation/session", headers=OWN_PAGE)
    assert_problem(without, 401, "key-invalid", None)


def test_the_cookie_alone_opens_nothing_of_the_interface(world: World) -> None:
    somebody = visit(world)
    assert somebody.get("").status_code == 200
    for method, path in (("GET", "/v1/session"), ("GET", "/v1/api-keys"), ("POST", "/v1/people")):
        answer = somebody.http.request(method, path, json={"label": "x", "role": "admin"})
        assert_problem(answer, 401, "key-invalid", None)


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_what_another_sites_page_sends_is_refused(world: World, headers: dict[str, str]) -> None:
    somebody = visit(world)
    answer = somebody.post("/sign-out", headers=headers)
    assert answer.status_code == 403
    assert "This form did not come from this node" in answer.text
    assert somebody.get("").status_code == 200, "still signed in"
    assert_problem(exchange(world, somebody.token, **headers), 403, "cross-site", None)


def test_a_browser_without_fetch_metadata_shows_its_origin(world: World) -> None:
    origin = world.node.settings.public_address
    assert visit(world).post("/sign-out", headers={"Origin": origin}).status_code == 303


def test_signing_out_ends_the_session_and_leads_to_where_one_signs_in(world: World) -> None:
    somebody = visit(world)
    left = somebody.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/organisation/sign-in")
    assert f'{NAME}=""' in left.headers["set-cookie"]
    assert "Max-Age=0" in left.headers["set-cookie"]
    again = Visit(world, somebody.token)
    for answer in (again.get(""), again.post("/sign-out")):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/organisation/sign-in?ended=1"
    shown = {"Authorization": f"Bearer {somebody.token}"}
    answer = HTTP.get(f"{world.node.url}/v1/session", headers=shown)
    assert_problem(answer, 401, "session-ended", None)


def test_whoever_is_not_signed_in_is_led_to_where_one_signs_in(world: World) -> None:
    answer = HTTP.get(f"{world.node.url}/organisation?lang=fr")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/organisation/sign-in?lang=fr",
    )


def test_the_way_in_needs_no_session_and_writes_nothing(world: World) -> None:
    with nothing_written(world):
        french = HTTP.get(f"{world.node.url}/organisation/sign-in?lang=fr&ended=1").text
    assert "Votre session est terminée." in french
