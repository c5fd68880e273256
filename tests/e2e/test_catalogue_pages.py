"""The catalogue in a browser: an offer is kept, drafted from and removed without scripts; and its
pages are read by everybody."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from node.api.organisation.session_cookie import NAME
from tests.e2e.reader import Reader
from tests.organisation.test_catalogue_pages import entry_of, keep, path_of
from tests.organisation.visits import Visit, visit
from tests.stage import World


@pytest.fixture(scope="module")
def somebody(world: World, built_pages: None) -> Visit:
    return visit(world)


def opened(chromium: Browser, world: World, somebody: Visit, scripts: bool) -> BrowserContext:
    context = chromium.new_context(base_url=world.node.url, java_script_enabled=scripts)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": somebody.token, "url": world.node.url}])
    return context


def read_file(page: Page, file: Path) -> None:
    page.locator("#file").set_input_files(file)
    page.locator("main button:not(.quiet)").last.click()


def test_an_offer_is_kept_drafted_from_and_removed_without_scripts(
    chromium: Browser, world: World, somebody: Visit, tmp_path: Path
) -> None:
    entry = entry_of(world, f"skills {secrets.token_hex(4)}")
    file = tmp_path / "offer.json"
    file.write_text(json.dumps(entry))
    context = opened(chromium, world, somebody, scripts=False)
    page = context.new_page()
    page.goto("/organisation")
    page.get_by_role("link", name="Catalogue").click()
    page.get_by_role("link", name="Add offers from a file").click()
    page.get_by_label("File (JSON)").set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("Nothing is kept yet.")).to_be_visible()
    page.get_by_role("button", name="Keep in the catalogue").click()
    expect(page.get_by_role("status")).to_have_text("1 offer is kept in the catalogue.")
    page.get_by_role("link", name="Back to the catalogue").click()
    page.get_by_label("Part of the name").fill(entry["name"])
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=entry["name"]).click()
    page.get_by_role("button", name="Draft an agreement from this offer").click()
    expect(page.get_by_label("Other party 1")).to_have_value(world.consumer.did)
    expect(page.get_by_label("Price of a use")).to_have_value("0.05")
    page.goto(f"/organisation{path_of(entry)}")
    page.get_by_text("Remove from the catalogue…").click()
    page.get_by_role("button", name="Remove from the catalogue").click()
    expect(page.get_by_role("status")).to_have_text("The offer was removed from the catalogue.")
    context.close()


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_on_the_pages_of_the_catalogue(
    chromium: Browser, world: World, somebody: Visit, language: str, tmp_path: Path
) -> None:
    offer = entry_of(world, "Skills of learners", description="What a learner has shown to know.")
    long = entry_of(world, "x" * 120, providedBy="nobody", currency="USD", _id="i" * 200)
    keep(somebody, [offer, long])
    files = {"understood": [offer, long], "refused": {"@type": "Participant"}}
    for state, content in files.items():
        (tmp_path / state).write_text(json.dumps(content))
    context = opened(chromium, world, somebody, scripts=True)
    reader, pages = Reader(context.new_page(), language), "/organisation/catalogue"
    paths = {
        "catalogue": pages,
        "catalogue-nothing-found": f"{pages}?name=nothing",
        "catalogue-import": f"{pages}/import",
        "offer": f"/organisation{path_of(offer)}",
        "offer-with-a-long-name": f"/organisation{path_of(long)}",
    }
    for state, path in paths.items():
        reader.go(path)
        reader.check(state)
    for state in files:
        reader.go(f"{pages}/import")
        read_file(reader.page, tmp_path / state)
        expect(reader.page.locator("[role=alert], section.card").first).to_be_visible()
        reader.check(f"catalogue-{state}")
    (tmp_path / "offer").write_text(json.dumps(offer))
    reader.go("/organisation/agreements/import")
    read_file(reader.page, tmp_path / "offer")
    expect(reader.page.locator("button[form=keep]")).to_be_visible()
    reader.check("agreement-of-an-offer")
    context.close()
