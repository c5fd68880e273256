"""Every kind of problem that the node can answer has its page, and no page explains nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from markupsafe import escape

from node.api import page_rendering
from node.api.app import create_app
from node.api.media_types import prefers_html
from node.problem_kinds import KINDS
from node.problems import catalogue
from tests.project_files import files, name_of

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = create_app()
    settings = SimpleNamespace(operator_did="did:web:<b>", public_address="http://testserver")
    app.state.node = SimpleNamespace(settings=settings)
    return TestClient(app)


def constructions() -> Iterator[tuple[str, list[object]]]:
    """Where the node makes a problem: the place, and status, slug and title as far as written."""
    for path in files(".py", under="node/"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or name_of(path) == "node/problems.py":
                continue
            written = [each.value if isinstance(each, ast.Constant) else ... for each in call.args]
            place = f"{name_of(path)}:{call.lineno}"
            match ast.unparse(call.func):
                case "Problem":
                    yield place, written[:3]
                case "Problem.of":
                    yield place, [..., written[0], ...]
                case "not_found":
                    yield place, [404, f"{written[0]}-not-found", ...]


def test_every_problem_that_the_node_makes_is_of_a_kind_in_the_catalogue() -> None:
    made = list(constructions())
    assert len(made) > 30
    for place, (status, slug, title) in made:
        kind = KINDS.get(str(slug))
        assert kind is not None, f"{place}: {slug}"
        assert status in (..., kind.status), place
        assert title in (..., kind.title), place


def test_every_kind_of_the_catalogue_is_made_somewhere() -> None:
    assert {slug for _, (_, slug, _) in constructions()} == KINDS.keys()


def test_no_rule_has_the_name_of_a_kind_of_the_node() -> None:
    statuses = {slug: kind.status for slug, kind in catalogue().items()}
    assert statuses.items() >= {(slug, kind.status) for slug, kind in KINDS.items()}
    assert len(statuses) > len(KINDS) + 60


@pytest.mark.parametrize("slug", catalogue())
def test_every_kind_has_a_page_that_says_what_to_do(client: TestClient, slug: str) -> None:
    kind = catalogue()[slug]
    shown = client.get(f"/problems/{slug}")
    assert shown.status_code == 200
    assert shown.json() == {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "meaning": kind.meaning,
        "remedy": kind.remedy,
    }
    assert all(len(text) > 8 for text in (kind.meaning, kind.remedy))
    assert "{" not in kind.meaning


@pytest.fixture
def built_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.css").write_text("")
    monkeypatch.setattr(page_rendering, "BUILD_DIR", tmp_path)
    page_rendering.built.cache_clear()


@pytest.mark.usefixtures("built_page")
def test_a_browser_gets_a_page_without_scripts_and_without_another_host(client: TestClient) -> None:
    for path in ("/problems/index-stale", "/problems/voucher-not-newer", "/problems"):
        shown = client.get(path, headers=HTML)
        assert shown.status_code == 200
        assert shown.headers["content-type"].startswith("text/html")
        assert shown.headers["vary"] == "Accept, Accept-Language"
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert "did:web:&lt;b&gt;" in shown.text
        assert not any(foreign in shown.text for foreign in ("<script", "http://", "https://"))
    text = client.get("/problems/index-stale", headers=HTML).text
    assert KINDS["index-stale"].title in text
    assert KINDS["index-stale"].meaning in text
    assert "Treat the consent as not active" in text


@pytest.mark.usefixtures("built_page")
def test_the_list_leads_to_every_kind(client: TestClient) -> None:
    listed = client.get("/problems").json()["items"]
    assert [item["type"] for item in listed] == [kind.type for kind in catalogue().values()]
    page = client.get("/problems", headers=HTML).text
    assert all(f'href="{kind.type}"' in page for kind in catalogue().values())


def test_a_kind_that_does_not_exist_is_a_problem(client: TestClient) -> None:
    shown = client.get("/problems/no-such-kind", headers={"Accept": "application/json"})
    assert shown.status_code == 404
    assert shown.headers["content-type"] == "application/problem+json"
    assert shown.json()["type"] == "/problems/problem-not-found"


@pytest.mark.usefixtures("built_page")
def test_a_browser_is_told_in_its_language_that_a_kind_does_not_exist(client: TestClient) -> None:
    shown = client.get("/problems/no-such-kind", headers={**HTML, "Accept-Language": "fr"})
    assert shown.status_code == 404
    assert shown.headers["content-type"].startswith("text/html")
    assert shown.headers["vary"] == "Accept, Accept-Language"
    assert "Ce type de problème n&#39;existe pas" in shown.text
    assert "Il n&#39;y a pas de type de problème no-such-kind." in shown.text
    assert 'lang="en"' not in shown.text.partition("<main")[2]


@pytest.mark.usefixtures("built_page")
@pytest.mark.parametrize("slug", ["index-stale", "voucher-not-newer", "consent-not-found"])
def test_a_french_browser_reads_what_a_kind_means(client: TestClient, slug: str) -> None:
    shown = client.get(f"/problems/{slug}", headers={**HTML, "Accept-Language": "fr"})
    assert shown.headers["content-language"] == "fr"
    main = shown.text.partition("<main")[2]
    assert 'lang="en"' not in main
    assert str(escape(catalogue()[slug].meaning)) not in main


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html", True),
        ("text/html, application/json;q=0.9", True),
        ("application/json, text/html;q=0.5", False),
        ("text/*;q=0.4, */*;q=0.1", True),
        ("text/html;q=nonsense, */*;q=0.1", True),
    ],
)
def test_the_reader_chooses_the_form(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html
