"""The page as the server sends it: strict, escaped, with every word in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from markupsafe import escape

from node.api import page_rendering, problem_documents
from node.api.routes import pages
from node.api.texts import texts_of
from node.config import PROJECT_ROOT, Settings
from node.known_operators import Operator
from protocol.types import OrganisationId

WEB = PROJECT_ROOT / "web"
GOVERNANCE = [*(PROJECT_ROOT / "node" / "api" / "governance").glob("*.py")]
SOURCES = [*WEB.glob("*.js"), *WEB.glob("*/*.js"), *WEB.glob("templates/**/*.html")]
TEXTS = texts_of("en")
PLURALS = {"one", "other"}


class Registry:
    """A registry with one other operator in it."""

    async def others(self) -> tuple[Operator, ...]:
        did = "did:web:<b>other</b>"
        return (Operator(OrganisationId(b"\x03" * 20), did, "https://other.example"),)

    async def origins(self) -> frozenset[str]:
        return frozenset({"https://other.example"})


@pytest.fixture
def build_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(page_rendering, "BUILD_DIR", tmp_path)
    page_rendering.built.cache_clear()
    yield tmp_path
    page_rendering.built.cache_clear()


@pytest.fixture
def client(build_dir: Path) -> TestClient:
    app = FastAPI()
    problem_documents.install(app)
    app.include_router(pages.router)
    app.state.node = SimpleNamespace(
        settings=Settings(operator_did='did:web:"><script>'),
        operators=Registry(),
        operator=b"\x01" * 20,
        deployment=SimpleNamespace(chain_id=7837),
        consent_registry=b"\x02" * 20,
    )
    for name in ("me.js", "requests.js", "withdraw.js", "handover.js", "page.css", "learner.css"):
        (build_dir / name).write_text(name)
    return TestClient(app)


def test_the_page_carries_what_its_scripts_need_and_nothing_inline(client: TestClient) -> None:
    answer = client.get("/me")
    assert answer.status_code == 200
    assert 'data-chain-id="7837"' in answer.text
    assert f'data-operator-id="0x{"01" * 20}"' in answer.text
    assert f'data-consent-registry="0x{"02" * 20}"' in answer.text
    assert 'data-operator-did="did:web:&#34;&gt;&lt;script&gt;"' in answer.text
    for tag in re.findall(r"<script[^>]*>", answer.text):
        assert 'src="/static/build/' in tag
    assert not re.search(r"<style| style=| on[a-z]+=|javascript:", answer.text)
    assert set(re.findall(r"https?://[^\s\"<]+", answer.text)) == {
        *("https://other.example", "https://other.example/me?lang=en")
    }
    assert "did:web:&lt;b&gt;other&lt;/b&gt;" in answer.text


def test_the_policy_allows_only_what_the_node_itself_serves(client: TestClient) -> None:
    headers = client.get("/me").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "connect-src 'self' https://other.example; base-uri" in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_without_the_operators_script_nothing_of_walletconnect_is_there(client: TestClient) -> None:
    answer = client.get("/me")
    assert "data-walletconnect" not in answer.text
    assert "connect-src 'self' https://other.example;" in answer.headers["content-security-policy"]
    assert client.get("/wallets/walletconnect.js").status_code == 404


def test_with_it_two_pages_may_speak_with_the_relay(client: TestClient, tmp_path: Path) -> None:
    script = tmp_path / "own.js"
    script.write_text("export default async () => null;")
    app: Any = client.app
    app.state.node.settings = Settings(
        walletconnect_project_id="0a" * 16, walletconnect_script=script
    )
    for path, others in (("/me", " https://other.example"), ("/requests", "")):
        opened = f"connect-src 'self'{others} wss://relay.walletconnect.org;"
        answer = client.get(path)
        assert f'data-walletconnect-project="{"0a" * 16}"' in answer.text
        assert opened in answer.headers["content-security-policy"]
    assert "relay" not in client.get("/withdraw").headers["content-security-policy"]
    served = client.get("/wallets/walletconnect.js")
    assert served.headers["content-type"].startswith("text/javascript")
    assert served.text == script.read_text()


@pytest.mark.parametrize(
    "half", [{"walletconnect_project_id": "0a" * 16}, {"walletconnect_script": Path("own.js")}]
)
def test_half_of_the_settings_is_refused(half: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="go together"):
        Settings(**half)


def test_the_address_of_a_built_file_follows_its_content(
    client: TestClient, build_dir: Path
) -> None:
    before = client.get("/me").text
    (build_dir / "me.js").write_text("another")
    page_rendering.built.cache_clear()
    assert client.get("/me").text != before


def test_a_page_that_is_not_built_says_so(client: TestClient, build_dir: Path) -> None:
    (build_dir / "me.js").unlink()
    answer = client.get("/me")
    assert answer.status_code == 503
    assert answer.json()["remedy"] == "Run `npm run build:web` where the node is installed."


def test_what_to_do_at_majority_is_read_without_scripts(client: TestClient) -> None:
    words = client.get("/handover?lang=fr").text
    assert all(escape(step) in words for step in texts_of_handover("fr"))


def texts_of_handover(language: str) -> list[str]:
    return [str(step) for step in texts_of(language)["handover"]["steps"]]


def test_the_home_page_is_the_learners(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)
    assert answer.headers["location"] == "/me"


def paths_of(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict) or value.keys() == PLURALS:
        return {prefix}
    return {
        path
        for name, part in value.items()
        for path in paths_of(part, f"{prefix}.{name}" if prefix else name)
    }


def used_paths() -> set[str]:
    """Every path of a text in scripts and templates; `*` where a part is computed."""
    found: set[str] = set()
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        found.update(re.findall(r'(?:say|find)\(\s*"([\w.-]+)"', text))
        found.update(
            re.sub(r"\$\{[^}]*\}", "*", path)
            for path in re.findall(r"(?:say|find)\(\s*`([^`]+)`", text)
        )
        if source.suffix == ".html":
            named = re.findall(r"texts((?:\.\w+|\[[^\]]+\])+)", text)
            found.update(re.sub(r"\[[^\]]+\]", ".*", path)[1:] for path in named)
        for name in re.findall(r'PageProblem\(\s*"(\w+)"', text):
            found.update({f"problems.{name}.what", f"problems.{name}.remedy"})
    for module in GOVERNANCE:
        text = module.read_text(encoding="utf-8")
        paths = re.findall(r'"(governance\.[\w.{}()]+)"', text)
        found.update(re.sub(r"\{[^}]*\}", "*", path) for path in paths)
    return found


def test_every_text_that_is_used_exists_and_every_text_is_used() -> None:
    known, used = paths_of(TEXTS), used_paths()
    patterns = [re.compile(re.escape(path).replace(r"\*", r"[\w-]+") + "$") for path in used]
    assert [path for path in sorted(known - {"locale"}) if not any_fits(patterns, path)] == []
    assert [path for path in sorted(used) if "*" not in path and path not in known] == []


@pytest.mark.parametrize("language", [*page_rendering.LANGUAGES])
def test_every_language_says_all_with_the_same_values(language: str) -> None:
    assert values_in(texts_of(language)) == values_in(TEXTS)


def values_in(value: Any, prefix: str = "") -> dict[str, list[str]]:
    """The {names} that each text fills in, by its path."""
    if isinstance(value, str):
        return {prefix: sorted(re.findall(r"{(\w+)}", value))}
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return {
        path: names
        for name, part in parts
        for path, names in values_in(part, f"{prefix}.{name}").items()
    }


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [
        ("", "", "en"),
        ("", "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("", "de, fr;q=0.3, en;q=0.4", "en"),
        ("", "fr;q=0, de", "en"),
        ("", "en;q=x,fr-CA;q=0.5", "en"),
        ("", ";,;q=,\x7f-", "en"),
        ("?lang=fr", "en", "fr"),
        ("?lang=de", "fr", "fr"),
        ("?lang=en&lang=fr", "", "fr"),
    ],
)
def test_the_language_is_the_one_asked_for_or_preferred(
    client: TestClient, query: str, accept: str, language: str
) -> None:
    answer = client.get(f"/me{query}", headers={"Accept-Language": accept})
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    assert "Accept-Language" in answer.headers["vary"]


def test_another_language_is_one_link_away(client: TestClient) -> None:
    text = client.get("/me?lang=fr&x=1").text
    assert 'href="?x=1&amp;lang=en" lang="en" hreflang="en"' in text
    assert re.search(r'hreflang="fr" aria-current="true">Français</a>', text)


def any_fits(patterns: list[re.Pattern[str]], path: str) -> bool:
    return any(pattern.match(path) for pattern in patterns)


def test_no_script_writes_markup_storage_or_logs() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
        r"|localStorage|sessionStorage|indexedDB|document\.cookie|console\."
    )
    for source in SOURCES:
        assert not forbidden.search(source.read_text(encoding="utf-8")), source.name
