"""The organisation's pages in a browser: without scripts, on a telephone, in the dark, by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from node.api.organisation.session_cookie import NAME
from tests.access.signing import new_account, session_of
from tests.access.test_people import invite
from tests.e2e.test_learner_access import LOWEST_CONTRAST
from tests.organisation.test_requests_pages import file_of, line
from tests.stage import World

PATHS = (
    *("", "/consents", "/requests", "/requests/new", "/requests/import", "/access", "/sign-in"),
    *("/agreements", "/agreements/new", "/agreements/import", "/agreements/rulebooks"),
    *("/catalogue", "/catalogue/import"),
)
WITHOUT_NAME = """
() => [...document.querySelectorAll("input, select, textarea, button, a, img, table")]
  .filter((node) => node.type !== "hidden" && !node.hidden)
  .filter((node) => {
    if (node.matches("table")) return !node.caption || !node.querySelector("th[scope]");
    if (node.matches("img")) return !node.alt;
    if (node.matches("button, a")) return !node.textContent.trim();
    return !node.labels.length;
  })
  .map((node) => node.outerHTML.slice(0, 100))
"""


@pytest.fixture(scope="module")
def token(world: World, built_pages: None) -> str:
    invited = invite(world.provider.client, "admin")
    opened, _ = session_of(world, new_account(), invitation=invited["invitation"])
    found: str = opened["token"]
    return found


@pytest.fixture
def page(chromium: Browser, world: World, token: str) -> Iterator[Page]:
    """Signed in, and without scripts."""
    context = chromium.new_context(base_url=world.node.url, java_script_enabled=False)
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    yield context.new_page()
    context.close()


def test_a_request_is_made_found_and_attested_without_scripts(world: World, page: Page) -> None:
    page.goto("/organisation")
    page.get_by_role("link", name="Requests").click()
    page.get_by_role("link", name="Ask for a consent").click()
    fields = line(world, minimumAssurance="attested")
    for name in ("subjectReference", "purposes", "recipients", "validUntil"):
        page.locator(f"#{name}").fill(fields[name].replace("\r\n", "\n"))
    for name in ("noticeReference", "noticeVersion", "noticeSha256"):
        page.locator(f"#{name}").fill(fields[name])
    page.get_by_label("Agreement").select_option(fields["agreementId"])
    page.get_by_label("Least assurance").select_option("attested")
    page.get_by_role("button", name="Make the request").click()
    expect(page.get_by_role("heading", name=fields["subjectReference"])).to_be_visible()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    page.get_by_role("button", name="Attest what was signed on paper").click()
    expect(page.get_by_role("heading", name="Withdrawal slips")).to_be_visible()
    expect(page.get_by_role("img", name="QR code of the slip")).to_have_count(2)
    page.get_by_role("link", name="the consent").first.click()
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    page.get_by_role("link", name="Requests").click()
    page.get_by_label("Your reference for the person").fill(fields["subjectReference"])
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("row", name=fields["subjectReference"])).to_contain_text("Granted")
    assert fields["subjectReference"] not in page.url


@pytest.mark.deep
def test_a_file_is_imported_without_scripts(world: World, page: Page, tmp_path: Path) -> None:
    rows = [line(world, purposes='guidance, with "quotes"') for _ in range(2)]
    quoted = [{**row, "purposes": '"guidance, with ""quotes"""'} for row in rows]
    file = tmp_path / "élèves.csv"
    file.write_text(file_of(*quoted))
    page.goto("/organisation/requests/import")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("2 lines, without a fault.")).to_be_visible()
    expect(page.get_by_text('guidance, with "quotes"').first).to_be_visible()
    page.get_by_role("button", name="Make these requests").click()
    expect(page.get_by_role("status")).to_have_text("2 requests were made.")
    expect(page.get_by_role("link", name=rows[0]["subjectReference"])).to_be_visible()


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [
        (320, "dark", "fr"),
        pytest.param(320, "dark", "en", marks=pytest.mark.deep),
        pytest.param(1_280, "light", "en", marks=pytest.mark.deep),
        pytest.param(1_280, "light", "fr", marks=pytest.mark.deep),
    ],
)
def test_every_page_fits_and_can_be_read_by_everybody(
    chromium: Browser, world: World, token: str, width: int, scheme: str, language: str
) -> None:
    context = chromium.new_context(
        base_url=world.node.url,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        locale=language,
    )
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in PATHS:
        shown = page.goto(f"/organisation{path}")
        assert page.evaluate("document.documentElement.lang") == language, shown and shown.text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(LOWEST_CONTRAST) >= 4.5, path
        assert page.evaluate(WITHOUT_NAME) == [], path
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert said == []
    context.close()


@pytest.mark.deep
def test_the_way_between_the_pages_is_walked_by_keyboard(page: Page) -> None:
    page.goto("/organisation")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    link = page.get_by_role("main").get_by_role("link", name="Consents")
    for _ in range(8):
        page.keyboard.press("Tab")
        if link.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Consents")).to_be_visible()
