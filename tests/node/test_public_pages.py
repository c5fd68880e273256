"""Who reads a page for everybody is told in their language why it has nothing to show."""

from __future__ import annotations

import html

import httpx
import pytest
from starlette.datastructures import URL

from node.api.page_route import own_name_of
from protocol.identifiers import organisation_id
from protocol.types import to_hex
from tests.node.test_promises import stale_index
from tests.stage import World

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MONTH = "2026-11"
OPERATOR = to_hex(organisation_id("did:web:operator.localhost"))
NOBODY = "0x" + "00" * 20


def read(world: World, path: str, language: str, **headers: str) -> httpx.Response:
    asked = {**BROWSER, "Accept-Language": language, **headers}
    return httpx.get(f"{world.node.url}{path}", headers=asked, timeout=30)


@pytest.mark.parametrize(
    "path",
    [
        "/governance",
        "/governance/events?kind=leaves",
        f"/governance/settlements?from={MONTH}&until={MONTH}",
        "/participants",
        f"/participants?operator={OPERATOR}",
        f"/participants/{OPERATOR}",
    ],
)
def test_an_index_that_is_too_old_is_told_on_a_page(at_rest: World, path: str) -> None:
    with stale_index(at_rest):
        for language, words in (
            ("en", "The index is too old to answer"),
            ("fr", "L'index est trop ancien pour répondre"),
        ):
            answer = read(at_rest, path, language)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.headers["content-language"] == language
            assert answer.headers["cache-control"] == "no-store"
            assert f"<h1>{words}</h1>" in html.unescape(answer.text)
            main = answer.text.partition("<main")[2]
            assert '<span lang="en">' not in main
        program = read(at_rest, path, "en", Accept="application/json")
        assert (program.status_code, program.headers["retry-after"]) == (503, "5")
        assert program.json()["type"] == "/problems/index-stale"
    assert read(at_rest, path, "fr").status_code == 200


@pytest.mark.parametrize("path", ["/nothing-here", "/governance/nope", "/me/nope", "/v1/nope"])
def test_an_address_that_nobody_answers_is_told_on_a_page(world: World, path: str) -> None:
    for language, words in (("en", "There is no such page"), ("fr", "Cette page n'existe pas")):
        answer = read(world, path, language)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["vary"] == "Accept, Accept-Language"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        page = html.unescape(answer.text)
        assert f"<h1>{words}</h1>" in page
        assert path in page.partition("<main")[2]
        assert '<span lang="en">' not in page
        assert 'href="/organisation?lang=' in page
    for accept in ("application/json", "*/*"):
        program = read(world, path, "en", Accept=accept)
        assert program.status_code == 404
        assert program.json()["type"] == "/problems/not-found"


def test_a_form_that_a_page_does_not_take_is_told_on_a_page(world: World) -> None:
    asked = {**BROWSER, "Accept-Language": "fr"}
    for path in ("/governance", "/check"):
        answer = httpx.post(f"{world.node.url}{path}", headers=asked, data={"a": "b"}, timeout=30)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert answer.headers["content-type"].startswith("text/html")
        assert f"{path} accepte GET, pas POST." in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/governance?until=novembre", 422, "Écrivez le mois comme AAAA-MM"),
        ("/governance?until=9000-01", 422, "9000-01 n'a pas commencé."),
        ("/governance/events?kind=rien", 404, "Introuvable : type d'événement rien."),
        (
            f"/governance/events?kind=leaves&organisation={NOBODY}",
            422,
            "Les événements du type leaves ne se listent pas par organisation.",
        ),
        (f"/participants/{NOBODY}", 404, f"Introuvable : participant {NOBODY}."),
        (f"/participants?operator={NOBODY}", 404, "La gouvernance admet les organisations"),
        ("/participants/0x12", 422, "20 octets sous la forme 0x"),
        ("/governance/rien.csv", 404, "Introuvable : tableau rien."),
        ("/problems/rien", 404, "Il n'y a pas de type de problème rien."),
    ],
)
def test_an_address_that_is_wrong_is_told_on_a_page(
    world: World, path: str, status: int, words: str
) -> None:
    answer = read(world, path, "fr")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    main = html.unescape(answer.text.partition("<main")[2])
    assert words in " ".join(main.split())
    assert '<span lang="en">' not in main


@pytest.mark.parametrize(
    ("asked", "public", "name"),
    [
        ("127.0.0.1:8420/me?lang=fr", "localhost:8420", "localhost:8420/me?lang=fr"),
        ("localhost:8420/me", "localhost:8420", None),
        ("127.0.0.1:8420/me", "127.0.0.1:8420", None),
        ("127.0.0.1:9000/me", "localhost:8420", None),
        ("127.0.0.1:8420/me", "node.example", None),
        ("node.example/me", "localhost:8420", None),
    ],
)
def test_a_page_asked_for_by_number_is_shown_under_the_nodes_own_name(
    asked: str, public: str, name: str | None
) -> None:
    """Not where another port leads to it, nor where the node is known under no local name."""
    found = own_name_of(URL(f"http://{asked}"), f"http://{public}")
    assert found == (name and f"http://{name}")


def test_a_problem_leads_on_in_the_language_that_was_asked_for(world: World) -> None:
    kind = "/problems/participant-not-found"
    for path, link in (
        (f"/participants/{NOBODY}", kind),
        (kind, "/problems"),
        ("/problems", kind),
    ):
        assert f'href="{link}?lang=fr"' in read(world, f"{path}?lang=fr", "en").text
        assert f'href="{link}"' in read(world, path, "fr").text
