"""What an answer tells a browser: of every operation, every page and every built file."""

from __future__ import annotations

import re

import httpx
import pytest

from node.api.security_headers import SecurityHeaders
from tests.access.signing import HTTP
from tests.boundaries.scene import Scene
from tests.boundaries.valid_requests import (
    Operation,
    earlier_request,
    operations,
    valid_request,
)
from tests.stage import Json, World

READ = [pytest.param(*each, id=" ".join(each[0])) for each in operations() if each[0][0] == "get"]
WITH_SECRETS = [
    pytest.param(operation, described, id=" ".join(operation))
    for operation, described in operations()
    if operation
    in {
        ("post", "/v1/api-keys"),
        ("post", "/v1/api-keys/{key_id}/rotate"),
        ("post", "/v1/consent-requests"),
        ("post", "/v1/consent-requests/attest"),
        ("post", "/v1/consent-requests/export"),
        ("post", "/v1/people"),
        ("post", "/v1/webhooks"),
        ("post", "/v1/sign-in/ethereum"),
        ("post", "/v1/me/session"),
    }
]
PAGES = (
    *("/me", "/requests", "/withdraw", "/rights", "/check", "/handover"),
    *("/docs", "/problems", "/problems/index-stale", "/governance/events?kind=rates"),
)
PAGES_WITH_FORMS = ("/governance", "/styleguide")
HTML = {"Accept": "text/html"}


def assert_locked(answer: httpx.Response, forms_to: str = "'none'") -> None:
    """Nothing is loaded, framed, guessed or told onwards; no other site reads it."""
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    for directive in ("frame-ancestors 'none'", "base-uri 'none'", f"form-action {forms_to}"):
        assert directive in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control-")]
    assert "strict-transport-security" not in headers, "the session's node speaks HTTP"
    for name in ("content-security-policy", "cache-control", "x-content-type-options"):
        assert len(headers.get_list(name)) == 1


@pytest.mark.parametrize(("operation", "described"), READ + WITH_SECRETS)
def test_no_answer_is_kept_or_read_by_others(
    scene: Scene, operation: Operation, described: Json
) -> None:
    """With what it is about, and as a refusal."""
    asked = valid_request(scene, operation, described)
    answer = asked.send(scene.world.node.url, asked.token)
    assert answer.is_success, answer.text
    refused = HTTP.request(operation[0], scene.world.node.url + asked.target, json={"unknown": 1})
    for each in (answer, refused):
        assert_locked(each)
        assert each.headers["cache-control"] == "no-store"


def test_every_operation_is_locked_to_whoever_may_not(scene: Scene) -> None:
    for operation, described in operations():
        answer = earlier_request(scene, operation, described).send(scene.world.node.url, "nobody")
        assert_locked(answer)
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*PAGES, *PAGES_WITH_FORMS])
def test_a_page_loads_what_the_node_serves_and_nothing_else(world: World, path: str) -> None:
    answer = HTTP.get(world.node.url + path, headers=HTML)
    assert answer.headers["content-type"].startswith("text/html")
    assert_locked(answer, "'self'" if path in PAGES_WITH_FORMS else "'none'")
    assert answer.headers["cache-control"] == "no-store"
    for directive in ("script-src 'self'", "style-src 'self'", "connect-src 'self'"):
        assert directive in answer.headers["content-security-policy"]
    assert not re.search(r"<style| style=| on[a-z]+=|javascript:", answer.text)
    built = re.findall(r'"(/static/build/[^"]+)"', answer.text)
    assert built
    for address in built:
        file = HTTP.get(world.node.url + address)
        assert file.status_code == 200
        assert_locked(file)
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["/", "/openapi.json", "/nothing", "/static/build/me.js", "/static/build/no.js?v=1"]
)
def test_what_else_is_answered_is_locked_too(world: World, path: str) -> None:
    answer = HTTP.get(world.node.url + path)
    assert_locked(answer)
    assert answer.headers["cache-control"] == "no-store"


def test_no_other_site_is_let_in(world: World) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in ("/v1/withdrawals", "/v1/me/session", "/v1/consents/status"):
        asked = HTTP.options(world.node.url + path, headers=headers)
        assert asked.status_code == 405
        assert_locked(asked)


def test_a_node_known_by_https_says_so_and_what_an_answer_says_itself_stays() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"Cache-Control", b"x")]}
    secure = SecurityHeaders("https://node.example").added(start, "/", b"")
    assert (b"strict-transport-security", b"max-age=63072000") in secure
    assert [value for name, value in secure if name.lower() == b"cache-control"] == [b"x"]
    plain = SecurityHeaders("http://node.example").added(start, "/", b"")
    assert not [name for name, _ in plain if name == b"strict-transport-security"]
